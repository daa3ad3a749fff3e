// Longer than most: what an append waits for, joins and is refused by is one thing, and reads best in one place.
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { assertAppendable, EventStoreError, type AppendResult, type ExpectedRevision } from '@livegift/event-store';
import type { NewEvent, Position, Telemetry } from '@livegift/kernel';
import { BlockEncoder } from './block.encoder.js';
import { BLOCK_BYTES_MAX } from './block.format.js';
import { CommitBatch } from './commit-batch.js';
import { pagesOf } from './commit-space.js';
import { CommitTrouble } from './commit-trouble.js';
import { sequenceKey, type Environment } from './environment.js';
import type { FileSpace } from './file-space.js';
import { INDEXED_THROUGH_KEY } from './open-log.js';
import type { Ownership } from './ownership.js';
import type { RecentEvents } from './recent-events.js';
import { encodeRuns, streamKey } from './stream-runs.js';
import type { RecentMap, StreamIndex } from './stream-index.js';
import type { StreamTail } from './stream-tail.js';

export interface CommitLimits {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly commitEventsMax: number;
  readonly queueEventsMax: number;
}

interface Parts {
  readonly environment: Environment;
  readonly ownership: Ownership;
  readonly space: FileSpace;
  readonly index: StreamIndex;
  readonly tail: StreamTail;
  readonly heads: RecentMap<string, number>;
  readonly recent: RecentEvents;
  readonly limits: CommitLimits;
  readonly telemetry: Telemetry;
  readonly file: string;
  /** Position of the last block's last event as the file has it. */
  readonly endOnDisk: () => number;
  readonly committed: () => void;
}

const STREAM_NAME_BYTES_MAX = 1_024;
const INDEX_ENTRIES_MIN = 256;
const CHECKPOINT_DELAY_MS = 100;
const READER_CHECK_COMMITS = 256;
const REASON_WAIT_MS = 1_000;
const BUFFERS_KEPT_MAX = 2;
const BUFFER_KEPT_BYTES_MAX = 32 * 1024 * 1024;
const NO_STREAM = -1;

/**
 * The one writer. Appends are checked at once against what is durable and what is on its way, encoded while the
 * transaction before them is being synced, and written together in the next one. One transaction at a time: if it fails,
 * everything that was built on it is refused.
 */
export class GroupCommit {
  /** Position of the last durable event; 0 in an empty log. */
  durable: number;
  readonly checkpoints = new Map<string, Position>();
  /** The first may be being written; appends join the last, unless that is sealed. */
  readonly #batches: CommitBatch[] = [];
  readonly #encoder = new BlockEncoder();
  readonly #buffers: Buffer[] = [];
  #waitingEvents = 0;
  #writing = false;
  #scheduled = false;
  #checkpointTimer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];
  /** Why nothing can be written until the store is opened again. */
  #broken: string | null = null;
  readonly #trouble: CommitTrouble;
  #commits = 0;

  constructor(private readonly parts: Parts) {
    this.durable = parts.endOnDisk();
    this.#trouble = new CommitTrouble(parts.file, parts.telemetry, () => this.#tryAgain());
  }

  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    assertAppendable(stream, events);
    this.#assertCount(events.length);
    this.#assertRoom(stream, events.length);
    const pending = this.#pendingOf(stream);
    const actual = pending?.heads.get(stream) ?? this.parts.index.head(stream);
    const wanted = expected === 'no-stream' ? NO_STREAM : expected;
    if (actual !== wanted) {
      if (pending === undefined) throw wrongRevision(stream, expected, actual);
      return this.#refuseOnceSettled(pending, stream, expected);
    }
    const batch = this.#openBatch(events.length);
    this.#schedule();
    const appended = batch.add(stream, events, actual + 1, this.parts.limits.appendBytesMax);
    this.#waitingEvents += events.length;
    return appended;
  }

  /** Writes a value with the next transaction; resolves when it is durable. */
  async write(key: Buffer, value: Buffer): Promise<void> {
    const batch = this.#openBatch(0);
    batch.writes.push({ key, value });
    const settled = batch.settled();
    this.#schedule();
    const failure = await settled;
    if (failure !== null) throw failure;
  }

  /** Remembers it now and writes it with the next transaction, or soon: losing one to a crash is allowed. */
  saveCheckpoint(consumer: string, position: Position): void {
    this.checkpoints.set(consumer, position);
    this.#checkpointTimer ??= setTimeout(() => {
      this.#checkpointTimer = null;
      if (this.checkpoints.size === 0) return;
      this.#openBatch(0);
      this.#schedule();
    }, CHECKPOINT_DELAY_MS);
  }

  /** Why no append can succeed now, in words; null while appends can. */
  get obstacle(): string | null {
    return this.parts.ownership.lost?.message ?? this.#broken ?? this.#trouble.reason;
  }

  /** Resolves when nothing is waiting or being written any more, checkpoints included. */
  async drained(): Promise<void> {
    this.#trouble.stop();
    if (this.#checkpointTimer !== null) clearTimeout(this.#checkpointTimer);
    if (this.checkpoints.size > 0) {
      this.#openBatch(0);
      this.#schedule();
    }
    if (this.#batches.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }

  #assertCount(events: number): void {
    const { appendEventsMax } = this.parts.limits;
    if (events > appendEventsMax) {
      throw new EventStoreError('append-too-large', `${events} events in one append, at most ${appendEventsMax}`);
    }
  }

  #assertRoom(stream: string, events: number): void {
    if (Buffer.byteLength(stream) > STREAM_NAME_BYTES_MAX) {
      throw new TypeError(`a stream's name has at most ${STREAM_NAME_BYTES_MAX} bytes`);
    }
    if (this.parts.ownership.lost !== null) throw this.parts.ownership.lost;
    if (this.#broken !== null) throw new EventStoreError('unavailable', this.#broken);
    const { queueEventsMax } = this.parts.limits;
    if (this.#waitingEvents > 0 && this.#waitingEvents + events > queueEventsMax) {
      this.parts.telemetry.count('event_store_overloaded_total');
      throw new EventStoreError('overloaded', `${this.#waitingEvents} events are waiting, at most ${queueEventsMax}`);
    }
  }

  /** The newest batch, not yet durable, that has events of the stream. */
  #pendingOf(stream: string): CommitBatch | undefined {
    for (let i = this.#batches.length - 1; i >= 0; i--)
      if (this.#batches[i]!.heads.has(stream)) return this.#batches[i];
    return undefined;
  }

  /** What it lost against is not durable yet: until then nobody may hear of it. */
  async #refuseOnceSettled(batch: CommitBatch, stream: string, expected: ExpectedRevision): Promise<AppendResult> {
    const failure = await batch.settled();
    if (failure !== null) throw new EventStoreError('unavailable', 'an append before this one failed');
    throw wrongRevision(stream, expected, this.parts.index.head(stream));
  }

  #openBatch(events: number): CommitBatch {
    const newest = this.#batches.at(-1);
    const joinable = newest !== undefined && !newest.sealed;
    if (joinable && newest.events.length + events <= this.parts.limits.commitEventsMax) return newest;
    newest?.seal();
    const first = newest === undefined ? this.durable + 1 : newest.last + 1;
    const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(4 * BLOCK_BYTES_MAX);
    const batch = new CommitBatch(first, this.#encoder, buffer);
    this.#batches.push(batch);
    return batch;
  }

  /** Starts after what is queued already, so that all appends of this turn share the transaction. */
  #schedule(): void {
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      batch.seal();
      await this.#writeOne(batch);
    }
    this.#writing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #writeOne(batch: CommitBatch): Promise<void> {
    const { environment, ownership, space, tail, heads, telemetry, recent } = this.parts;
    const started = performance.now();
    const indexed = tail.take(Math.max(INDEX_ENTRIES_MIN, 2 * batch.events.length));
    const checkpoints = new Map(this.checkpoints);
    const pages = pagesOf(batch, indexed.entries, checkpoints.size, space.pageBytes);
    const put = (): void => {
      for (const { first, bytes } of batch.blocks) void environment.blocks.put(sequenceKey(first), bytes);
      for (const { stream, entry } of indexed.entries) {
        const key = streamKey(stream, entry.firstRevision);
        void environment.streams.put(key, encodeRuns(key, entry));
      }
      if (indexed.done) void environment.meta.put(INDEXED_THROUGH_KEY, sequenceKey(indexed.through));
      for (const { key, value } of batch.writes) void environment.snapshots.put(key, value);
      for (const [consumer, position] of checkpoints) {
        void environment.checkpoints.put(Buffer.from(consumer), Buffer.from(position));
      }
    };
    try {
      const growing = space.take(pages);
      if (growing !== null) await growing;
      if (batch.events.length === 0 && this.#trouble.reason === null) await ownership.write(put);
      else await ownership.append({ from: this.durable, to: Math.max(this.durable, batch.last) }, put);
    } catch (error) {
      await this.#failed(error);
      return;
    }
    this.#trouble.succeeded();
    this.#batches.shift();
    if (batch.events.length > 0) {
      this.durable = batch.last;
      tail.add(batch.events, batch.first);
      recent.add(batch.events, batch.first, batch.bytes);
    }
    // An entry's stream may leave the tail now; a head that was cached before it grew must not come back.
    for (const { stream, entry } of indexed.entries) heads.set(stream, entry.firstRevision + entry.count - 1);
    if (indexed.done) tail.written();
    for (const [consumer, position] of checkpoints) {
      if (this.checkpoints.get(consumer) === position) this.checkpoints.delete(consumer);
    }
    this.#release(batch);
    // A reader that was killed inside a transaction pins its pages until somebody notices.
    if (++this.#commits % READER_CHECK_COMMITS === 0) environment.root.readerCheck();
    telemetry.count('event_store_events_appended_total', batch.events.length);
    telemetry.observe('event_store_commit_duration_seconds', (performance.now() - started) / 1_000);
    batch.succeed();
    this.parts.committed();
  }

  async #failed(error: unknown): Promise<void> {
    const { ownership, tail, file } = this.parts;
    tail.rewind();
    if (ownership.lost !== null) {
      this.#refuseAll(ownership.lost, ownership.lost);
      return;
    }
    const cause = error instanceof EventStoreError ? error : await causeOf(error);
    const written = this.parts.endOnDisk() !== this.durable;
    const message = cause instanceof EventStoreError ? cause.message : `${file}: a commit failed: ${String(cause)}`;
    // Readable, but perhaps not on disk: only opening the store again can tell.
    if (written) this.#broken = `${message}; open the store again`;
    this.#trouble.failed(this.#broken ?? message);
    if (written) this.#trouble.stop();
    const refusal = new EventStoreError('unavailable', message, undefined, { cause });
    this.#refuseAll(
      written ? new EventStoreError('append-outcome-unknown', message, undefined, { cause }) : refusal,
      refusal,
    );
  }

  /** Everything that was built on the transaction that failed fails with it. */
  #refuseAll(first: EventStoreError, others: EventStoreError): void {
    const [batch, ...later] = this.#batches.splice(0);
    batch?.fail(first);
    for (const next of later) next.fail(others);
    this.#waitingEvents = 0;
  }

  /** A commit that writes where the log ends, once more. */
  #tryAgain(): void {
    if (this.#batches.length > 0) return;
    this.#openBatch(0);
    this.#schedule();
  }

  #release(batch: CommitBatch): void {
    this.#waitingEvents -= batch.events.length;
    if (this.#buffers.length < BUFFERS_KEPT_MAX && batch.buffer.length <= BUFFER_KEPT_BYTES_MAX)
      this.#buffers.push(batch.buffer);
  }
}

/** lmdb tells the reason a little later than the failure. */
async function causeOf(failure: unknown): Promise<unknown> {
  const { commitError } = failure as { commitError?: Promise<unknown> };
  if (commitError === undefined) return failure;
  const untold = setTimeoutPromise(REASON_WAIT_MS, failure, { ref: false });
  const [told] = await Promise.allSettled([Promise.race([commitError, untold])]);
  return told.status === 'rejected' ? told.reason : told.value;
}

function wrongRevision(stream: string, expected: ExpectedRevision, actual: number): EventStoreError {
  const is = actual === NO_STREAM ? 'no-stream' : actual;
  return new EventStoreError('wrong-expected-revision', `${stream} is at ${is}, expected ${expected}`, is);
}
