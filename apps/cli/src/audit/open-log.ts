import { existsSync } from 'node:fs';
import { EventStoreError, type EventReader } from '@livegift/event-store';
import * as adapter from '@livegift/event-store-lmdb';
import { UsageError } from '../exit-codes.js';
import type { Finding, Report } from './finding.js';

/** The log, to read beside whoever writes it. */
export interface OpenLog extends EventReader {
  close(): Promise<void>;
}

/**
 * Opens the engine's log read-only. What is damaged is a finding, and null: there is nothing to read on.
 * @throws UsageError there is no log there
 */
export async function openLog(dataDir: string, report: Report): Promise<OpenLog | null> {
  if (!existsSync(dataDir)) throw new UsageError(`there is no data directory ${dataDir}`);
  const { openLmdbEventReader } = adapter as unknown as { openLmdbEventReader(dir: string): Promise<OpenLog> };
  try {
    return await openLmdbEventReader(dataDir);
  } catch (error) {
    if (!(error instanceof EventStoreError)) throw error;
    if (error.code !== 'damaged') throw new UsageError(error.message);
    report(damaged(error));
    return null;
  }
}

export function damaged(error: EventStoreError): Finding {
  return { rule: 'storage', stream: null, revision: null, position: null, detail: error.message };
}
