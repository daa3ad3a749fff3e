import { join } from 'node:path';
import {
  EventStoreError,
  historyIdFrom,
  HISTORY_STREAM,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type OrderedAppend,
  type OrderedAppendResult,
  type ReadAllOptions,
  type ReadStreamOptions,
  type Snapshot,
  type SubscribeOptions,
  type Subscription,
} from '@livegift/event-store';
import {
  silentTelemetry,
  Turns,
  type Checkpoint,
  type NewEvent,
  type Position,
  type RecordedEvent,
  type Telemetry,
} from '@livegift/kernel';
import { AbsentTypes } from './absent-types.js';
import { appendInOrder } from './append-in-order.js';
import { BlockLog } from './block-log.js';
import { assertRestored, closeFileToOthers, prepareDirectory, prepareLockFile } from './data-directory.js';
import { checkDataFile } from './data-file.check.js';
import type { DirectoryHolder } from './directory-holder.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { getCopy, type Environment } from './environment.js';
import { FileSpace } from './file-space.js';
import { GroupCommit } from './group-commit.js';
import { limitsOf, type Limits, type LmdbEventStoreOptions } from './lmdb-event-store.options.js';
import { LogReads, READ_EVENTS_MAX } from './log-reads.js';
import { assertCheckpoint, LogSubscription, type DurableLog } from './log-subscription.js';
import { DATA_FILE, LOCK_FILE, openForWriting, readTail } from './open-log.js';
import { isSameFile, Ownership } from './ownership.js';
import { RecentEvents } from './recent-events.js';
import { positionOf } from './sequence.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.format.js';
import { storeIdentity } from './store-identity.js';
import { RecentMap, StreamIndex } from './stream-index.js';
import { yieldToLoop, type ScannedLog, type ScanSlice, type TypeScan } from './type-scan.js';
import { verifyBlocks, verifyIndex } from './verify-copy.js';

/** Stands for a checkpoint that was forgotten. */
const FORGOTTEN = '' as Position;
/** How often an idle process looks whether it still owns the store. */
const OWNER_CHECK_EVERY_MS = 2_000;

/** @throws EventStoreError `held`, `damaged`, `unavailable` */
export async function openLmdbEventStore(options: LmdbEventStoreOptions): Promise<LmdbEventStore> {
  const { directory, clock = { now: () => Date.now() }, telemetry = silentTelemetry } = options;
  const limits = limitsOf(options);
  const file = join(directory, DATA_FILE);
  assertRestored(directory);
  prepareDirectory(directory, telemetry);
  const onWait = (holder: DirectoryHolder, silentMsMax: number): void => {
    const { pid, host } = holder;
    telemetry.warn('event store: waits for a sign of life of the process that held it', { pid, host, silentMsMax });
  };
  const lock = await lockDirectory(directory, { nowMs: clock.now(), onWait });
  let environment: Environment | null = null;
  let space: FileSpace | null = null;
  try {
    checkDataFile(file, true);
    space = await FileSpace.of(file);
    prepareLockFile(directory);
    environment = openForWriting(directory);
    for (const name of [DATA_FILE, LOCK_FILE]) closeFileToOthers(join(directory, name));
    space ??= (await FileSpace.of(file))!;
    environment.root.readerCheck();
    await verifyCopied(environment, file, telemetry);
    const ownership = await Ownership.take(environment, file, directory, lock.holder, (error) => {
      telemetry.count('event_store_lost_total');
      telemetry.error('the event store was lost to another process', { file, error: error.message });
      options.onLost?.(error);
    });
    const storeUuid = await storeIdentity(environment, ownership, file);
    const store = new LmdbEventStore(storeUuid, environment, ownership, space, lock, limits, telemetry, file);
    await ownership.startAt(store.end());
    return store;
  } catch (error) {
    await space?.close();
    await environment?.root.close();
    lock.release();
    throw error;
  }
}

/** Verifies the whole of a file that is not the one that was written: a copy, a restored backup. */
async function verifyCopied(environment: Environment, file: string, telemetry: Telemetry): Promise<void> {
  if (isSameFile(environment, file)) return;
  const startedMs = performance.now();
  const { end } = await verifyBlocks(environment, file);
  const recorded = Ownership.recordedEnd(environment);
  if (recorded !== null && recorded !== end) {
    throw new EventStoreError(
      'damaged',
      `${file}: the log ends at ${end}, and should at ${recorded}; restore a backup`,
    );
  }
  await verifyIndex(environment, file, end);
  const seconds = (performance.now() - startedMs) / 1_000;
  telemetry.info('event store: verified a file that was not opened here before', { file, events: end, seconds });
}

/** The embedded event store: one process, one directory, LMDB underneath. Made by `openLmdbEventStore`. */
export class LmdbEventStore implements EventStore, DurableLog {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax = READ_EVENTS_MAX;
  readonly #commits: GroupCommit;
  readonly #reads: LogReads;
  readonly #scanned: ScannedLog;
  readonly turns = new Turns(yieldToLoop);
  readonly #waiting = new Set<() => void>();
  readonly #ownerChecks: NodeJS.Timeout;
  #closing: Promise<void> | null = null;

  readonly storeId: string;

  constructor(
    storeUuid: string,
    private readonly environment: Environment,
    private readonly ownership: Ownership,
    private readonly space: FileSpace,
    private readonly lock: DirectoryLock,
    private readonly limits: Limits,
    private readonly telemetry: Telemetry,
    private readonly file: string,
  ) {
    this.appendBytesMax = limits.appendBytesMax;
    this.appendEventsMax = limits.appendEventsMax;
    const blocks = new BlockLog(environment.blocks, file, limits.blocksKeptBytesMax);
    const end = blocks.newest()?.last ?? 0;
    const tail = readTail(environment, blocks, end, limits.indexInMemoryEvents);
    const heads = new RecentMap<string, number>(limits.headsKeptMax);
    const index = new StreamIndex(environment.streams, tail, heads, file);
    const recent = new RecentEvents(limits.recentEventsMax, limits.recentBytesMax);
    const endOnDisk = (): number => {
      environment.root.resetReadTxn();
      return blocks.newest()?.last ?? 0;
    };
    const committed = (): void => this.#wake();
    this.#commits = new GroupCommit({
      environment,
      ownership,
      space,
      index,
      tail,
      heads,
      recent,
      limits,
      telemetry,
      file,
      endOnDisk,
      committed,
    });
    this.#reads = new LogReads(blocks, index, recent, file);
    this.#scanned = { blocks, absent: new AbsentTypes(), range: (from, to) => this.#reads.range(from, to) };
    const [newest] = this.#reads.stream(HISTORY_STREAM, { direction: 'backwards', limit: 1 });
    this.storeId = historyIdFrom(storeUuid, newest);
    this.#ownerChecks = setInterval(() => this.#checkOwner(), OWNER_CHECK_EVERY_MS);
    this.#ownerChecks.unref();
    telemetry.info('event store opened', { file, storeId: this.storeId, events: end, unindexedEvents: tail.size });
  }

  /** Not async: this runs for every gift, and two more promises each are felt. */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    try {
      this.#assertOpen();
      return this.#commits.append(stream, events, expected);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    return appendInOrder(entries, (entry) => {
      this.#assertOpen();
      return this.#commits.append(entry.stream, entry.events, entry.expected);
    });
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    return this.#reads.stream(stream, options);
  }

  async readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    return this.#reads.all(options, this.#commits.durable);
  }

  async head(): Promise<Position | null> {
    this.#assertOpen();
    return this.#commits.durable === 0 ? null : positionOf(this.#commits.durable);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen();
    assertCheckpoint(options.after, this.storeId, this.#commits.durable);
    return new LogSubscription(this, options);
  }

  async loadSnapshot(name: string): Promise<Snapshot | null> {
    this.#assertOpen();
    const key = Buffer.from(name);
    const value = getCopy(this.environment.snapshots, key);
    if (value === undefined) return null;
    const snapshot = decodeSnapshot(key, value);
    if (snapshot === null) {
      this.telemetry.count('event_store_damaged_snapshots_total');
      this.telemetry.warn('a snapshot is damaged and left aside', { file: this.file, name });
    }
    return snapshot;
  }

  async saveSnapshot(name: string, snapshot: Snapshot): Promise<void> {
    this.#assertOpen();
    const { snapshotBytesMax } = this.limits;
    if (snapshot.bytes.length > snapshotBytesMax) {
      throw new EventStoreError(
        'append-too-large',
        `a snapshot of ${snapshot.bytes.length} bytes, at most ${snapshotBytesMax}`,
      );
    }
    const key = Buffer.from(name);
    await this.#commits.write(key, encodeSnapshot(key, snapshot));
  }

  async loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    this.#assertOpen();
    const pending = this.#commits.checkpoints.get(consumer);
    const position = pending ?? getCopy(this.environment.checkpoints, Buffer.from(consumer))?.toString() ?? FORGOTTEN;
    return position === FORGOTTEN ? null : { storeId: this.storeId, position: position as Position };
  }

  async saveCheckpoint(consumer: string, position: Position | null): Promise<void> {
    this.#assertOpen();
    this.#commits.saveCheckpoint(consumer, position ?? FORGOTTEN);
  }

  /** Why no append can succeed now, in words; null while appends can. */
  appendObstacle(): string | null {
    return this.#commits.obstacle;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  get closed(): boolean {
    return this.#closing !== null;
  }

  end(): number {
    return this.#commits.durable;
  }

  range(from: number, to: number): readonly RecordedEvent[] {
    return this.#reads.range(from, to);
  }

  isInMemory(from: number): boolean {
    return this.#reads.isInMemory(from);
  }

  scan(scan: TypeScan, from: number, to: number, eventsMax: number): ScanSlice {
    this.#assertOpen();
    return scan.slice(this.#scanned, from, to, eventsMax);
  }

  async grown(_end: number, cancelled: { call: () => void }): Promise<void> {
    await new Promise<void>((resolve) => {
      cancelled.call = () => {
        this.#waiting.delete(resolve);
        resolve();
      };
      this.#waiting.add(resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** So that a process without commands to write notices too. */
  #checkOwner(): void {
    if (this.closed) return;
    try {
      this.ownership.check();
    } catch (error) {
      this.telemetry.warn('the owner of the event store cannot be read', { file: this.file, error: String(error) });
    }
  }

  async #close(): Promise<void> {
    clearInterval(this.#ownerChecks);
    this.#wake();
    await this.#commits.drained();
    await this.space.close();
    await this.environment.root.close();
    this.lock.release();
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new EventStoreError('unavailable', 'the event store is closed');
  }
}
