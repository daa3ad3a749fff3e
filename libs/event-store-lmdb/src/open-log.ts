import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';
import { BlockLog } from './block-log.js';
import { hasThisPidElsewhere } from './directory-holder.js';
import { holderOf } from './directory-lock.js';
import { checkDataFile } from './data-file.check.js';
import { assertRestored } from './data-directory.js';
import { getCopy, openEnvironment, type Environment } from './environment.js';
import { StreamTail } from './stream-tail.js';

export const DATA_FILE = 'data.mdb';
export const LOCK_FILE = 'lock.mdb';
export const INDEXED_THROUGH_KEY = Buffer.from('indexedThrough');
const TAIL_READ_EVENTS = 4_096;

/** Call `checkDataFile` before. @throws EventStoreError `damaged`, `unavailable` */
export function openForWriting(directory: string): Environment {
  return open(directory, join(directory, DATA_FILE), false);
}

/**
 * Opens the log to read it, beside an engine or without one.
 * @throws EventStoreError `damaged`, `unavailable`
 */
export async function openForReading(directory: string): Promise<Environment> {
  assertRestored(directory);
  const file = join(directory, DATA_FILE);
  if (!existsSync(file)) throw new EventStoreError('unavailable', `${file}: there is no event store`);
  const holder = await holderOf(directory, Date.now());
  if (holder !== null && hasThisPidElsewhere(holder)) throw samePidElsewhere(directory);
  try {
    // Beside a writer, who has checked them, pages change while they are walked: then only make sure that none is missing.
    checkDataFile(file, holder === null);
  } catch (error) {
    if (holder !== null || (await holderOf(directory, Date.now())) === null) throw error;
    checkDataFile(file, false);
  }
  return open(directory, file, true);
}

function samePidElsewhere(directory: string): EventStoreError {
  const message =
    `${directory}: this process has pid ${process.pid}, like the engine that holds the directory in another PID ` +
    `namespace, and LMDB tells processes apart by pid. Run it inside the engine's container or with another pid ` +
    '(docker run --init)';
  return new EventStoreError('unavailable', message);
}

function open(directory: string, file: string, readOnly: boolean): Environment {
  try {
    return openEnvironment(directory, readOnly);
  } catch (cause) {
    const { message } = cause as Error;
    if (/MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH)/.test(message)) {
      throw new EventStoreError('damaged', `${file}: ${message}`, undefined, { cause });
    }
    throw new EventStoreError('unavailable', `${file}: ${message}`, undefined, { cause });
  }
}

export function indexedThroughOnDisk(environment: Environment): number {
  const value = getCopy(environment.meta, INDEXED_THROUGH_KEY);
  return value === undefined ? 0 : Number(value.readBigUInt64BE());
}

/** The part of the stream index that is not on disk, made again from the blocks. */
export function readTail(
  environment: Environment,
  blocks: BlockLog,
  end: number,
  generationEventsMax: number,
): StreamTail {
  const tail = new StreamTail(generationEventsMax, indexedThroughOnDisk(environment));
  extendTail(tail, blocks, tail.indexedThrough, end);
  return tail;
}

/** Adds the events after `from` up to `end`. */
export function extendTail(tail: StreamTail, blocks: BlockLog, from: number, end: number): void {
  for (let next = from + 1; next <= end; next += TAIL_READ_EVENTS) {
    tail.add(blocks.range(next, Math.min(end, next + TAIL_READ_EVENTS - 1)), next);
  }
}
