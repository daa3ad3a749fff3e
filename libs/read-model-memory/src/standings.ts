import { ReadModelError, type Board } from '@livegift/read-model';
import type { CreatorEntry, GiftListener, RoomEntry } from './entries.js';
import type { FoldState } from './fold-state.js';
import { ALL_HOURS, type HourRange } from './hour-range.js';
import { HoursScan, RoomsScan, TotalsScan, type Measure } from './scans.js';
import { Standing } from './standing.js';

export interface StandingsBounds {
  /** Boards of a period that are kept in order. */
  readonly hotBoardsMax: number;
  /** Their members, all together; one board alone may have more. */
  readonly hotMembersMax: number;
  /** A board that nobody asked for so long is let go. */
  readonly hotIdleMs: number;
  /** Boards that wait to be built; beyond, queries are refused. */
  readonly buildsQueuedMax: number;
  /** Steps of building (a cell read, a comparison) before others get the event loop. */
  readonly buildSliceSteps: number;
}

interface Kept {
  readonly standing: Standing;
  /** Where gifts look for it. */
  readonly home: GiftListener[];
  readonly built: Promise<void>;
  lastAskedMs: number;
}

/** The standings that are kept in order, the longest unasked first. */
export class Standings {
  readonly #kept = new Map<string, Kept>();
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(
    private readonly state: FoldState,
    private readonly bounds: StandingsBounds,
    private readonly yieldToLoop: () => Promise<void>,
  ) {}

  /**
   * What `read` makes of the board in order, as of now: it is called in one step with the last gift counted. Null when the
   * room or creator has no gifts at all.
   * @throws ReadModelError `unavailable`: too many boards wait to be built
   */
  async read<Answer>(
    key: string,
    board: Board,
    range: HourRange,
    nowMs: number,
    read: (standing: Standing) => Answer,
  ): Promise<Answer | null> {
    for (;;) {
      const kept = this.#kept.get(key) ?? this.#begin(key, board, range, nowMs);
      if (kept === null) return null;
      kept.lastAskedMs = nowMs;
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      await kept.built;
      // While it was waited for, it may have been let go, and gifts no longer reach it.
      if (this.#kept.get(key) !== kept) continue;
      const answer = read(kept.standing);
      this.#trim();
      return answer;
    }
  }

  dropIdle(nowMs: number): void {
    for (const [key, kept] of this.#kept) {
      if (nowMs - kept.lastAskedMs < this.bounds.hotIdleMs) return;
      if (kept.standing.isBuilt) this.#letGo(key, kept);
    }
  }

  /** Lets the longest unasked go until the bounds hold; the newest always stays. */
  #trim(): void {
    let members = 0;
    for (const { standing } of this.#kept.values()) members += standing.table.size;
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= this.bounds.hotBoardsMax && members <= this.bounds.hotMembersMax) return;
      if (this.#kept.size === 1) return;
      if (!kept.standing.isBuilt) continue;
      members -= kept.standing.table.size;
      this.#letGo(key, kept);
    }
  }

  #begin(key: string, board: Board, range: HourRange, nowMs: number): Kept | null {
    const made = this.#make(board, range);
    if (made === null) return null;
    made.home.push(made.standing);
    const kept: Kept = { ...made, built: this.#build(made.standing), lastAskedMs: nowMs };
    kept.built.catch(() => this.#letGo(key, kept));
    this.#kept.set(key, kept);
    return kept;
  }

  #letGo(key: string, kept: Kept): void {
    const { home, standing } = kept;
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
    const at = home.indexOf(standing);
    if (at >= 0) home.splice(at, 1);
  }

  /** What fits in one slice is built on the spot; larger ones one after the other. */
  async #build(standing: Standing): Promise<void> {
    const build = standing.build();
    if (runSlice(build, this.bounds.buildSliceSteps)) return;
    if (this.#queued >= this.bounds.buildsQueuedMax) {
      throw new ReadModelError('unavailable', 'too many large boards are waiting to be built');
    }
    this.#queued++;
    const turn = this.#queue.then(async () => {
      do await this.yieldToLoop();
      while (!runSlice(build, this.bounds.buildSliceSteps));
    });
    this.#queue = turn.finally(() => this.#queued--).catch(() => {});
    await turn;
  }

  #make(board: Board, range: HourRange): { standing: Standing; home: GiftListener[] } | null {
    const { state } = this;
    switch (board.kind) {
      case 'room-gifters': {
        const room = state.findRoom(board.id);
        return room === undefined ? null : this.#ofRooms(room, [room], range);
      }
      case 'creator-gifters': {
        const creator = state.findCreator(board.id);
        return creator === undefined ? null : this.#ofRooms(creator, creator.rooms, range);
      }
      case 'creators':
        return this.#ofAll('creators', state.creators.length, range);
      case 'gifters':
        return this.#ofAll('gifters', state.viewers.size, range);
    }
  }

  #ofRooms(owner: RoomEntry | CreatorEntry, rooms: readonly RoomEntry[], range: HourRange) {
    const { state } = this;
    const inHours = range === ALL_HOURS ? Infinity : this.#cellsIn(range);
    const expected = Math.min(state.viewers.size, owner.cellCount, inHours);
    const standing = new Standing('gifters', range, expected, (table) =>
      owner.cellCount <= inHours
        ? new RoomsScan(state, rooms, range, table)
        : new HoursScan(state, range, 'gifters', owner, table),
    );
    return { standing, home: owner.standings };
  }

  #ofAll(measure: Measure, membersMax: number, range: HourRange) {
    const { state } = this;
    const expected = range === ALL_HOURS ? membersMax : Math.min(membersMax, this.#cellsIn(range));
    const standing = new Standing(measure, range, expected, (table) =>
      range === ALL_HOURS ? new TotalsScan(state, measure, table) : new HoursScan(state, range, measure, null, table),
    );
    return { standing, home: state.standings };
  }

  #cellsIn(range: HourRange): number {
    return this.state.hoursIn(range).reduce((sum, hour) => sum + this.state.hours.get(hour)!.cellCount, 0);
  }
}

/** True when the build is done. */
function runSlice(build: Generator<number, void>, sliceSteps: number): boolean {
  for (let steps = 0; steps < sliceSteps;) {
    const piece = build.next();
    if (piece.done) return true;
    steps += piece.value;
  }
  return false;
}
