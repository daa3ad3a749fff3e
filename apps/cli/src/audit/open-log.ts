import { existsSync } from 'node:fs';
import { EventStoreError, type EventReader } from '@livegift/event-store';
import { openEventStoreDbReader } from '@livegift/event-store-eventstoredb';
import { openLmdbEventReader, type LmdbEventReader } from '@livegift/event-store-lmdb';
import { UsageError } from '../exit-codes.js';
import type { Progress } from '../progress.js';
import type { Report } from './finding.js';

/**
 * Opens the engine's log read-only, beside whoever writes it. What is damaged is a finding, and null: there is nothing
 * to read on.
 * @throws UsageError there is no log there
 */
export async function openLog(dataDir: string, report: Report): Promise<LmdbEventReader | null> {
  if (!existsSync(dataDir)) throw new UsageError(`there is no data directory ${dataDir}`);
  try {
    return await openLmdbEventReader({ directory: dataDir });
  } catch (error) {
    if (!isDamaged(error)) throw error instanceof EventStoreError ? new UsageError(error.message) : error;
    reportDamage(error.message, null, report);
    return null;
  }
}

/** Opens the log of a cluster, to read from only. @throws UsageError it cannot be reached, or holds no log */
export async function openServerLog(connectionString: string): Promise<EventReader & { close(): Promise<void> }> {
  try {
    return await openEventStoreDbReader({ connectionString });
  } catch (error) {
    throw error instanceof EventStoreError ? new UsageError(error.message) : error;
  }
}

/** Reads every block with its checksum. @returns whether all of them are sound */
export async function verifyStorage(
  log: LmdbEventReader,
  report: Report,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  let isSound = true;
  let events = 0;
  progress.start(null);
  try {
    for await (const block of log.verify()) {
      if (signal.aborted) break;
      events += block.events;
      progress.update(events, `at ${block.first}`);
      if (block.damage === null) continue;
      isSound = false;
      reportDamage(block.damage, block.first, report);
    }
  } catch (error) {
    if (!isDamaged(error)) throw error;
    isSound = false;
    reportDamage(error.message, null, report);
  } finally {
    progress.stop();
  }
  return isSound;
}

export function isDamaged(error: unknown): error is EventStoreError {
  return error instanceof EventStoreError && error.code === 'damaged';
}

export function reportDamage(detail: string, position: string | null, report: Report): void {
  report({ rule: 'storage', stream: null, revision: null, position, detail: `damaged: ${detail}` });
}
