import type { Database } from 'lmdb';
import { EventStoreError } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';
import { Block } from './block.js';
import { readHeader } from './block.format.js';
import { floorEntry, getCopy, sequenceKey } from './environment.js';
import { positionOf } from './sequence.js';

/** They are searched one by one, so not many. */
const BLOCKS_KEPT_MAX = 256;

/** The log on disk: blocks by position, verified when they are read, the ones used last kept. */
export class BlockLog {
  /** In order of last use. */
  readonly #kept = new Map<number, Block>();
  #keptBytes = 0;

  constructor(
    private readonly database: Database<Buffer, Buffer>,
    private readonly file: string,
    private readonly keptBytesMax: number,
  ) {}

  /** The newest block; null in an empty log. Not from what is kept. @throws EventStoreError `damaged` */
  newest(): Block | null {
    const entry = floorEntry(this.database, sequenceKey(Number.MAX_SAFE_INTEGER));
    return entry === undefined ? null : this.#verified(firstOfKey(entry.key), asBuffer(entry.value));
  }

  /** The block that begins there, from disk. @throws EventStoreError `damaged` */
  read(first: number): Block {
    const bytes = getCopy(this.database, sequenceKey(first));
    if (bytes === undefined) throw this.#damaged(first, 'it is missing');
    return this.#verified(first, bytes);
  }

  /** The block with that position, verified and not kept. Its bytes are valid until the next read. @throws EventStoreError `damaged` */
  glance(sequence: number): { readonly bytes: Buffer; readonly last: number } {
    const begins = this.database.getBinaryFast(sequenceKey(sequence));
    if (begins !== undefined) return this.#glanced(sequence, sequence, begins.subarray(0, begins.length));
    const entry = floorEntry(this.database, sequenceKey(sequence));
    if (entry === undefined) throw this.#damaged(sequence, 'it is missing');
    return this.#glanced(sequence, firstOfKey(entry.key), asBuffer(entry.value));
  }

  /** Where the next block begins, whatever stands before it; null at the end. */
  firstAfter(sequence: number): number | null {
    for (const key of this.database.getKeys({ start: sequenceKey(sequence + 1), limit: 1 })) return firstOfKey(key);
    return null;
  }

  /** The events from `from` to `to`, all of which are in the log. @throws EventStoreError `damaged` */
  range(from: number, to: number): RecordedEvent[] {
    let events: RecordedEvent[] = [];
    let block = this.containing(from);
    for (let next = from; ; block = this.#starting(next)) {
      const end = Math.min(to, block.last);
      const part = block.events(next, end);
      if (next === from) events = part;
      else for (const event of part) events.push(event);
      next = end + 1;
      if (next > to) return events;
    }
  }

  /** The events at rising or falling positions. @throws EventStoreError `damaged` */
  at(positions: readonly number[]): RecordedEvent[] {
    const events: RecordedEvent[] = [];
    let block: Block | null = null;
    for (let i = 0; i < positions.length;) {
      const from = positions[i]!;
      if (block === null || from < block.first || from > block.last) block = this.containing(from);
      let run = 1;
      while (positions[i + run] === from + run && from + run <= block.last) run++;
      for (const event of block.events(from, from + run - 1)) events.push(event);
      i += run;
    }
    return events;
  }

  /** @throws EventStoreError `damaged` */
  containing(sequence: number): Block {
    for (const block of this.#kept.values()) {
      if (sequence >= block.first && sequence <= block.last) return this.#use(block);
    }
    const entry = floorEntry(this.database, sequenceKey(sequence));
    if (entry === undefined) throw this.#damaged(sequence, 'it is missing');
    const block = this.#verified(firstOfKey(entry.key), asBuffer(entry.value));
    if (sequence > block.last) throw this.#damaged(block.last + 1, 'it is missing');
    return this.#keep(block);
  }

  #starting(first: number): Block {
    const kept = this.#kept.get(first);
    if (kept !== undefined) return this.#use(kept);
    return this.#keep(this.read(first));
  }

  #verified(first: number, bytes: Buffer): Block {
    const block = Block.from(bytes);
    if (typeof block === 'string') throw this.#damaged(first, block);
    if (block.first !== first) throw this.#damaged(first, `it says that it begins at ${block.first}`);
    return block;
  }

  #glanced(sequence: number, first: number, bytes: Buffer): { readonly bytes: Buffer; readonly last: number } {
    const header = readHeader(bytes);
    if (typeof header === 'string') throw this.#damaged(first, header);
    if (header.first !== first) throw this.#damaged(first, `it says that it begins at ${header.first}`);
    const last = first + header.count - 1;
    if (sequence > last) throw this.#damaged(last + 1, 'it is missing');
    return { bytes, last };
  }

  #use(block: Block): Block {
    this.#kept.delete(block.first);
    this.#kept.set(block.first, block);
    return block;
  }

  #keep(block: Block): Block {
    this.#kept.set(block.first, block);
    this.#keptBytes += block.bytes.length;
    for (const [first, oldest] of this.#kept) {
      const fits = this.#keptBytes <= this.keptBytesMax && this.#kept.size <= BLOCKS_KEPT_MAX;
      if (fits || first === block.first) break;
      this.#kept.delete(first);
      this.#keptBytes -= oldest.bytes.length;
    }
    return block;
  }

  #damaged(first: number, what: string): EventStoreError {
    return new EventStoreError('damaged', `${this.file}: the block at position ${positionOf(first)}: ${what}`);
  }
}

function firstOfKey(key: Buffer): number {
  return Number(asBuffer(key).readBigUInt64BE());
}

/** LMDB answers plain byte arrays here and there. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
