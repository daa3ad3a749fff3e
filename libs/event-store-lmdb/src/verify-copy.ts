import { setImmediate as turn } from 'node:timers/promises';
import { EventStoreError } from '@livegift/event-store';
import { BlockLog } from './block-log.js';
import type { Environment } from './environment.js';
import { indexedThroughOnDisk } from './open-log.js';
import { positionOf } from './sequence.js';
import { decodeRuns, type StreamRuns } from './stream-runs.js';

const BLOCKS_PER_TURN = 64;
const ENTRIES_PER_TURN = 4_096;

export interface LogEnd {
  /** Position of the last event; 0 in an empty log. */
  readonly end: number;
}

/**
 * Reads every block of the log with its checksum, oldest first.
 * @param onBlock called with the bytes of each block and the position of its last event
 * @throws EventStoreError `damaged`
 */
export async function verifyBlocks(
  environment: Environment,
  file: string,
  onBlock: (bytes: Buffer, last: number) => void = () => {},
): Promise<LogEnd> {
  const blocks = new BlockLog(environment.blocks, file, 0);
  let end = 0;
  let read = 0;
  for (let first = blocks.firstAfter(-1); first !== null; first = blocks.firstAfter(end)) {
    if (first !== end + 1) throw new EventStoreError('damaged', `${file}: events after ${positionOf(end)} are missing`);
    const block = blocks.read(first);
    end = block.last;
    onBlock(block.bytes, end);
    if (++read % BLOCKS_PER_TURN === 0) await turn();
  }
  return { end };
}

/**
 * Holds the index of streams against the log: each event up to `indexedThrough` is in it once.
 * @throws EventStoreError `damaged`
 */
export async function verifyIndex(environment: Environment, file: string, end: number): Promise<void> {
  const through = indexedThroughOnDisk(environment);
  let indexed = 0;
  let read = 0;
  if (through > end) throw damagedIndex(file, `it knows of ${through} events, the log has ${end}`);
  for (const { key, value } of environment.streams.getRange({})) {
    const entry = decodeRuns(asBuffer(key), asBuffer(value));
    if (entry === null) throw damagedIndex(file, 'the checksum of an entry is wrong');
    indexed += countThrough(entry, through);
    if (++read % ENTRIES_PER_TURN === 0) await turn();
  }
  if (indexed !== through) throw damagedIndex(file, `it has ${indexed} of the first ${through} events`);
}

function countThrough({ runs }: StreamRuns, through: number): number {
  let count = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const first = runs[i]!;
    count += Math.max(0, Math.min(first + runs[i + 1]! - 1, through) - first + 1);
  }
  return count;
}

function damagedIndex(file: string, what: string): EventStoreError {
  return new EventStoreError('damaged', `${file}: the index of streams: ${what}; restore a backup`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
