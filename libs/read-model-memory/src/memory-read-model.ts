// Longer than most: the port has a dozen questions, and each is answered here from the parts beside this file.
import type { Checkpoint, MonotonicClock, Position, Scheduler } from '@livegift/kernel';
import {
  boardKey,
  isExpired,
  parseUtcOffset,
  periodOf,
  ReadModelError,
  type Answer,
  type ApplyResult,
  type BoardAnswer,
  type BoardQuery,
  type CreatorRow,
  type Page,
  type Period,
  type ReadModel,
  type ReadModelBatch,
  type ReadModelSubject,
  type RoomRow,
  type RoomsQuery,
  type WalletRow,
} from '@livegift/read-model';
import { boardPage } from './board-page.js';
import { dumpLines } from './dump-lines.js';
import { FoldState, HOUR_MS } from './fold-state.js';
import { ALL_HOURS, type HourRange } from './hour-range.js';
import { Snapshots, type SnapshotOptions } from './snapshots.js';
import type { Standing } from './standing.js';
import { Standings, type StandingsBounds } from './standings.js';
import { Waiters } from './waiters.js';

export interface MemoryReadModelOptions extends Partial<StandingsBounds> {
  /** As `+05:30`; chosen once for a deployment. Default `+00:00`. */
  readonly utcOffset?: string;
  /** Periods that ended so long before the newest gift are no longer answered; default: for ever. */
  readonly retentionMs?: number | null;
  readonly clock?: MonotonicClock;
  readonly scheduler?: Scheduler;
  /** Lets others have the event loop while a large board is built, or a snapshot written. */
  readonly yieldToLoop?: () => Promise<void>;
  /** Where to begin from at the next start; default: nowhere, everything is read from the log. */
  readonly snapshot?: SnapshotOptions;
}

const BOUNDS: StandingsBounds = {
  hotBoardsMax: 256,
  hotMembersMax: 4_000_000,
  hotIdleMs: 300_000,
  buildsQueuedMax: 64,
  /** Two or three milliseconds. */
  buildSliceSteps: 40_000,
};

/** A read model that can say how many rooms, creators and viewers it keeps in memory. */
export interface ReadModelInMemory extends ReadModel {
  readonly subjectCount: number;
}

/**
 * The read model of the embedded profile: one partition, everything in this process, rebuilt from the log at start. It keeps
 * the sums of (room, viewer, hour) and makes boards from them when asked.
 */
export function createMemoryReadModel(options: MemoryReadModelOptions = {}): ReadModelInMemory {
  return new MemoryReadModel(options);
}

class MemoryReadModel implements ReadModelInMemory {
  readonly partitionCount = 1;
  readonly #utcOffsetMs: number;
  readonly #retentionMs: number | null;
  readonly #bounds: StandingsBounds;
  readonly #clock: MonotonicClock;
  readonly #yieldToLoop: () => Promise<void>;
  readonly #waiters: Waiters;
  readonly #snapshots: Snapshots | null;
  /** Until it is over, the state is an empty one. */
  readonly #loaded: Promise<void>;
  #state: FoldState;
  #standings: Standings;
  #isBuilt = false;
  #closed = false;

  constructor(options: MemoryReadModelOptions) {
    this.#utcOffsetMs = parseUtcOffset(options.utcOffset ?? '+00:00');
    this.#retentionMs = options.retentionMs ?? null;
    this.#bounds = {
      hotBoardsMax: options.hotBoardsMax ?? BOUNDS.hotBoardsMax,
      hotMembersMax: options.hotMembersMax ?? BOUNDS.hotMembersMax,
      hotIdleMs: options.hotIdleMs ?? BOUNDS.hotIdleMs,
      buildsQueuedMax: options.buildsQueuedMax ?? BOUNDS.buildsQueuedMax,
      buildSliceSteps: options.buildSliceSteps ?? BOUNDS.buildSliceSteps,
    };
    this.#clock = options.clock ?? { elapsedMs: () => performance.now() };
    this.#yieldToLoop = options.yieldToLoop ?? (() => new Promise((resolve) => setImmediate(resolve)));
    this.#waiters = new Waiters(options.scheduler ?? systemScheduler);
    [this.#state, this.#standings] = this.#standingOn(new FoldState(this.#utcOffsetMs));
    const fold = { utcOffsetMs: this.#utcOffsetMs, retentionMs: this.#retentionMs };
    const { snapshot } = options;
    this.#snapshots = snapshot === undefined ? null : new Snapshots(snapshot, fold, this.#clock, this.#yieldToLoop);
    this.#loaded = this.#load();
  }

  get subjectCount(): number {
    const { rooms, creators, viewers } = this.#state;
    return rooms.length + creators.length + viewers.size;
  }

  async checkpoint(): Promise<Checkpoint | null> {
    await this.#loaded;
    this.#assertOpen();
    return this.#state.checkpoint;
  }

  async apply(batch: ReadModelBatch): Promise<ApplyResult> {
    if (this.#snapshots !== null) {
      await this.#loaded;
      await this.#snapshots.makeWay(batch);
    }
    this.#assertOpen();
    const state = this.#state;
    const { checkpoint } = state;
    if (checkpoint !== null) assertSameStore(checkpoint, batch.storeId);
    if ((checkpoint?.position ?? null) !== batch.from) return { applied: false, checkpoint };
    assertWritable(batch);
    try {
      for (const write of batch.writes) state.write(write);
    } catch (error) {
      // Half of a batch is in it, and would be counted again: rather nothing, and the log is folded anew.
      this.#forget();
      await this.#snapshots?.drop();
      throw error;
    }
    if (batch.newestRecordedMs !== null && batch.newestRecordedMs > (state.newestRecordedMs ?? -Infinity)) {
      state.newestRecordedMs = batch.newestRecordedMs;
    }
    state.checkpoint = { storeId: batch.storeId, position: batch.to };
    this.#standings.dropIdle(this.#clock.elapsedMs());
    this.#waiters.reached(batch.to);
    if (this.#isBuilt) this.#snapshots?.applied(state);
    return { applied: true };
  }

  async drop(): Promise<void> {
    await this.#loaded;
    this.#assertOpen();
    this.#forget();
    await this.#snapshots?.drop();
  }

  async markBuilt(_partition: number, reached: Checkpoint | null): Promise<boolean> {
    this.#assertOpen();
    const { checkpoint } = this.#state;
    if (reached !== null) {
      if (checkpoint === null) return false;
      assertSameStore(checkpoint, reached.storeId);
      if (checkpoint.position < reached.position) return false;
    }
    this.#isBuilt = true;
    return true;
  }

  async wallet(viewerId: string): Promise<Answer<WalletRow> | null> {
    const state = this.#readable();
    const viewer = state.viewers.find(viewerId);
    return this.#answer(viewer === undefined ? null : state.accounts.wallet(viewer, viewerId));
  }

  async creator(creatorId: string): Promise<Answer<CreatorRow> | null> {
    return this.#answer(this.#readable().findCreator(creatorId)?.row);
  }

  async room(roomId: string): Promise<Answer<RoomRow> | null> {
    return this.#answer(this.#readable().findRoom(roomId)?.row);
  }

  async rooms(query: RoomsQuery): Promise<Page<RoomRow>> {
    const state = this.#readable();
    const { rooms, more } = state.roomList.page(query);
    const items = rooms.map(({ roomId }) => ({ ...state.findRoom(roomId)!.row! }));
    return { items, nextCursor: more ? rooms.at(-1)!.opened : null, position: this.#position() };
  }

  async roomGifts(roomId: string): Promise<Answer<readonly string[]>> {
    const state = this.#readable();
    const gifts = state.findRoom(roomId)?.gifts?.newest() ?? [];
    const row = Array.from(gifts, ([viewer, revision]) => `${state.viewers.id(viewer)}.${revision}`);
    return { row, position: this.#position() };
  }

  async board(query: BoardQuery): Promise<BoardAnswer> {
    const period = periodOf(query.window, query.atMs, this.#utcOffsetMs);
    for (;;) {
      const state = this.#readable();
      if (isExpired(period, this.#cutMs())) {
        throw new ReadModelError('period-expired', 'the period lies behind the retention');
      }
      const key = `${boardKey(query.board)} ${query.window} ${period.startsAtMs}`;
      const read = (standing: Standing): BoardAnswer => ({
        ...period,
        ...boardPage(state, standing, query),
        position: state.checkpoint?.position ?? null,
      });
      const answer = await this.#standings.read(key, query.board, this.#hoursOf(period), this.#clock.elapsedMs(), read);
      // It may have been dropped while a large board was built.
      if (state !== this.#state) continue;
      this.#readable();
      return answer ?? { ...period, entries: [], member: null, total: 0, position: this.#position() };
    }
  }

  async waitFor(_subject: ReadModelSubject, position: Position, timeoutMs: number): Promise<boolean> {
    const { checkpoint } = this.#readable();
    return (checkpoint !== null && checkpoint.position >= position) || this.#waiters.wait(position, timeoutMs);
  }

  async builtPartitions(): Promise<number> {
    this.#assertOpen();
    return this.#isBuilt ? 1 : 0;
  }

  async *dump(): AsyncIterable<string> {
    yield* dumpLines(this.#readable(), this.#cutMs());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiters.failAll(new ReadModelError('unavailable', 'the read model is closed'));
    await this.#loaded;
    await this.#snapshots?.finish(this.#state);
  }

  #forget(): void {
    this.#isBuilt = false;
    [this.#state, this.#standings] = this.#standingOn(new FoldState(this.#utcOffsetMs));
    this.#waiters.failAll(new ReadModelError('rebuilding', 'the read model is being rebuilt'));
  }

  async #load(): Promise<void> {
    const state = (await this.#snapshots?.load()) ?? null;
    if (state !== null) [this.#state, this.#standings] = this.#standingOn(state);
  }

  #standingOn(state: FoldState): [FoldState, Standings] {
    return [state, new Standings(state, this.#bounds, this.#yieldToLoop)];
  }

  #hoursOf({ startsAtMs, endsAtMs }: Period): HourRange {
    if (startsAtMs === null || endsAtMs === null) return ALL_HOURS;
    return { start: (startsAtMs + this.#utcOffsetMs) / HOUR_MS, end: (endsAtMs + this.#utcOffsetMs) / HOUR_MS };
  }

  #cutMs(): number | null {
    const { newestRecordedMs } = this.#state;
    return this.#retentionMs === null || newestRecordedMs === null ? null : newestRecordedMs - this.#retentionMs;
  }

  #answer<Row extends object>(row: Row | null | undefined): Answer<Row> | null {
    return row === null || row === undefined ? null : { row: { ...row }, position: this.#position() };
  }

  #position(): Position | null {
    return this.#state.checkpoint?.position ?? null;
  }

  #readable(): FoldState {
    this.#assertOpen();
    if (!this.#isBuilt) throw new ReadModelError('rebuilding', 'the read model is being rebuilt');
    return this.#state;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ReadModelError('unavailable', 'the read model is closed');
  }
}

function assertSameStore({ storeId }: Checkpoint, other: string): void {
  if (storeId !== other) {
    throw new ReadModelError('checkpoint-foreign', `this read model was built from store ${storeId}`);
  }
}

/** Whatever cannot be kept exactly is refused before anything is written. */
function assertWritable({ to, writes }: ReadModelBatch): void {
  if (Number(to) > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`position ${to} is beyond 2^53: the memory read model cannot keep it exactly`);
  }
  for (const write of writes) {
    if (write.kind === 'gift-scored' && write.giftId.charCodeAt(write.viewerId.length) !== 46) {
      throw new RangeError(`gift id ${write.giftId} is not <viewerId>.<revision>`);
    }
  }
}

const systemScheduler: Scheduler = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
