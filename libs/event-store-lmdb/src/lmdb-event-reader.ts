import { join } from 'node:path';
import {
  EventStoreError,
  historyIdFrom,
  HISTORY_STREAM,
  type EventReader,
  type ReadAllOptions,
  type ReadStreamOptions,
} from '@livegift/event-store';
import type { SubscribeOptions, Subscription } from '@livegift/event-store';
import { Turns, type Position, type RecordedEvent } from '@livegift/kernel';
import { AbsentTypes } from './absent-types.js';
import { BlockLog } from './block-log.js';
import type { Environment } from './environment.js';
import { LogReads } from './log-reads.js';
import { assertCheckpoint, LogSubscription, type DurableLog } from './log-subscription.js';
import { DATA_FILE, extendTail, indexedThroughOnDisk, openForReading, readTail } from './open-log.js';
import { positionOf } from './sequence.js';
import { readIdentity } from './store-identity.js';
import { RecentMap, StreamIndex } from './stream-index.js';
import type { StreamTail } from './stream-tail.js';
import { yieldToLoop, type ScannedLog, type ScanSlice, type TypeScan } from './type-scan.js';
import { verifyBlock, type VerifiedBlock } from './verify-log.js';

export interface LmdbEventReaderOptions {
  readonly directory: string;
  /** How often a subscription looks for news when it is caught up. */
  readonly pollMs?: number;
}

const POLL_MS = 50;
const BLOCKS_KEPT_BYTES = 4 * 1024 * 1024;
const HEADS_KEPT_MAX = 65_536;
/** When it knows so many events beside the index on disk, it looks whether the index has moved on. */
const TAIL_EVENTS_MAX = 262_144;

/** Reads along with a writer in another process, or without one. @throws EventStoreError `damaged`, `unavailable` */
export async function openLmdbEventReader(options: LmdbEventReaderOptions): Promise<LmdbEventReader> {
  const file = join(options.directory, DATA_FILE);
  const environment = await openForReading(options.directory);
  try {
    const storeUuid = readIdentity(environment, file);
    if (storeUuid === null) throw new EventStoreError('unavailable', `${file}: the store has no id yet`);
    return new LmdbEventReader(storeUuid, environment, file, options.pollMs ?? POLL_MS);
  } catch (error) {
    await environment.root.close();
    throw error;
  }
}

/**
 * Each call is one short read transaction, begun and ended within the call: a reader that printed or waited inside one
 * would make the writer's file grow. Made by `openLmdbEventReader`.
 */
export class LmdbEventReader implements EventReader, DurableLog {
  readonly #blocks: BlockLog;
  readonly #scanned: ScannedLog;
  readonly turns = new Turns(yieldToLoop);
  #index: { readonly streams: StreamIndex; readonly tail: StreamTail; end: number } | null = null;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  #storeId: string | null = null;

  constructor(
    private readonly storeUuid: string,
    private readonly environment: Environment,
    private readonly file: string,
    private readonly pollMs: number,
  ) {
    const blocks = new BlockLog(environment.blocks, file, BLOCKS_KEPT_BYTES);
    this.#blocks = blocks;
    this.#scanned = { blocks, absent: new AbsentTypes(), range: (from, to) => blocks.range(from, to) };
  }

  /** Found when it is asked for: a log that is damaged there can still be verified. @throws EventStoreError `damaged` */
  get storeId(): string {
    this.#storeId ??= this.#briefly(() => {
      const [newest] = this.#reads(this.#upToDate(this.#end())).stream(HISTORY_STREAM, {
        direction: 'backwards',
        limit: 1,
      });
      return historyIdFrom(this.storeUuid, newest);
    });
    return this.#storeId;
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    return this.#briefly(() => this.#reads(this.#upToDate(this.#end())).stream(stream, options));
  }

  async readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    return this.#briefly(() => this.#reads(null).all(options, this.#end()));
  }

  async head(): Promise<Position | null> {
    const end = this.#briefly(() => this.#end());
    return end === 0 ? null : positionOf(end);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    assertCheckpoint(options.after, this.storeId, this.end());
    return new LogSubscription(this, options);
  }

  /** Every block, oldest first: its checksum, its events, and the index of streams. Reports damage instead of throwing. */
  async *verify(): AsyncGenerator<VerifiedBlock> {
    let first = this.#briefly(() => this.#blocks.firstAfter(-1));
    let expected = 1;
    let indexIsReadable = true;
    while (first !== null) {
      if (first > expected) yield { first: positionOf(expected), events: 0, damage: 'events are missing' };
      const at: number = first;
      if (indexIsReadable) indexIsReadable = this.#canReadIndex();
      const { next, ...verified } = this.#briefly(() =>
        verifyBlock(this.#blocks, indexIsReadable ? this.#upToDate(this.#end()) : null, at),
      );
      yield verified;
      expected = verified.damage === null || verified.events > 0 ? at + verified.events : (next ?? at);
      first = this.#briefly(() => (next === null ? null : this.#blocks.firstAfter(next - 1)));
    }
  }

  /** False when a damaged block keeps it from being made: then each block's checksum is all there is to look at. */
  #canReadIndex(): boolean {
    try {
      this.#briefly(() => this.#upToDate(this.#end()));
      return true;
    } catch (error) {
      if (error instanceof EventStoreError && error.code === 'damaged') return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wake of this.#waiting) wake();
    await this.environment.root.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  end(): number {
    return this.#briefly(() => this.#end());
  }

  range(from: number, to: number): readonly RecordedEvent[] {
    return this.#briefly(() => this.#blocks.range(from, to));
  }

  isInMemory(): boolean {
    return false;
  }

  scan(scan: TypeScan, from: number, to: number, eventsMax: number): ScanSlice {
    return this.#briefly(() => scan.slice(this.#scanned, from, to, eventsMax));
  }

  /** Another process writes: nobody tells, so it looks. */
  async grown(end: number, cancelled: { call: () => void }): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearInterval(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setInterval(() => {
        try {
          if (this.end() !== end) done();
        } catch {
          done(); // The next read says what is wrong.
        }
      }, this.pollMs);
      this.#waiting.add(done);
      cancelled.call = done;
    });
  }

  #end(): number {
    return this.#blocks.newest()?.last ?? 0;
  }

  #reads(index: StreamIndex | null): LogReads {
    return new LogReads(this.#blocks, index, null, this.file);
  }

  /** The index of streams as of `end`; its part that the writer has not put on disk yet is made from blocks. */
  #upToDate(end: number): StreamIndex {
    const stale = this.#index !== null && this.#index.tail.size > TAIL_EVENTS_MAX;
    if (this.#index === null || (stale && indexedThroughOnDisk(this.environment) > this.#index.tail.indexedThrough)) {
      const tail = readTail(this.environment, this.#blocks, end, Number.POSITIVE_INFINITY);
      const heads = new RecentMap<string, number>(HEADS_KEPT_MAX);
      this.#index = { streams: new StreamIndex(this.environment.streams, tail, heads, this.file), tail, end };
    }
    extendTail(this.#index.tail, this.#blocks, this.#index.end, end);
    this.#index.end = end;
    return this.#index.streams;
  }

  /** Runs `read` in a read transaction of its own. */
  #briefly<Result>(read: () => Result): Result {
    if (this.#closed) throw new EventStoreError('unavailable', 'the event reader is closed');
    this.environment.root.resetReadTxn();
    try {
      return read();
    } finally {
      this.environment.root.resetReadTxn();
    }
  }
}
