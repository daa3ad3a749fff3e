import type { Database } from 'lmdb';
import { EventStoreError } from '@livegift/event-store';
import { floorEntry, getCopy } from './environment.js';
import { decodeRuns, positionsInRuns, streamKey, type StreamRuns } from './stream-runs.js';
import type { StreamTail } from './stream-tail.js';

const REVISION_MAX = 2 ** 48 - 1;
const NO_STREAM = -1;

/** Where the events of a stream stand: an index on disk, and its newest part in memory. */
export class StreamIndex {
  constructor(
    private readonly database: Database<Buffer, Buffer>,
    private readonly tail: StreamTail,
    private readonly heads: RecentMap<string, number>,
    private readonly file: string,
  ) {}

  /** Revision of the stream's last durable event; -1 when it has none. */
  head(stream: string): number {
    const known = this.tail.head(stream) ?? this.heads.get(stream);
    if (known !== undefined) return known;
    const entry = this.#floor(stream, REVISION_MAX);
    if (entry === null) return NO_STREAM;
    const head = entry.firstRevision + entry.count - 1;
    this.heads.set(stream, head);
    return head;
  }

  /** Positions of the stream's events with revisions `from` to `to`, all of which exist. */
  positions(stream: string, from: number, to: number): number[] {
    const positions: number[] = [];
    const tailFrom = this.tail.firstRevision(stream) ?? to + 1;
    const indexTo = Math.min(to, tailFrom - 1);
    let next = from;
    let entry = next <= indexTo ? this.#floor(stream, next) : null;
    while (entry !== null && next <= indexTo) {
      positionsInRuns(entry, next, indexTo, positions);
      next = entry.firstRevision + entry.count;
      entry = next <= indexTo ? this.#at(stream, next) : null;
    }
    this.tail.positions(stream, Math.max(from, tailFrom), to, positions);
    if (positions.length !== to - from + 1) throw this.#damaged(stream, from, 'positions are missing');
    return positions;
  }

  #floor(stream: string, revision: number): StreamRuns | null {
    const key = streamKey(stream, revision);
    const found = floorEntry(this.database, key);
    if (found === undefined) return null;
    const foundKey = Buffer.from(found.key.buffer, found.key.byteOffset, found.key.length);
    const nameBytes = key.length - 6;
    const same = foundKey.length === key.length && foundKey.compare(key, 0, nameBytes, 0, nameBytes) === 0;
    return same ? this.#decode(stream, foundKey, found.value) : null;
  }

  #at(stream: string, revision: number): StreamRuns | null {
    const key = streamKey(stream, revision);
    const value = getCopy(this.database, key);
    return value === undefined ? null : this.#decode(stream, key, value);
  }

  #decode(stream: string, key: Buffer, value: Buffer): StreamRuns {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    const entry = decodeRuns(key, bytes);
    if (entry === null) throw this.#damaged(stream, 0, 'the checksum is wrong');
    return entry;
  }

  #damaged(stream: string, revision: number, what: string): EventStoreError {
    return new EventStoreError('damaged', `${this.file}: index of stream ${stream} from revision ${revision}: ${what}`);
  }
}

/** Keeps the keys used last: at least `max / 2` and at most `max` of them, without the cost of an exact order. */
export class RecentMap<Key, Value> {
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(private readonly max: number) {}

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.max / 2 && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
