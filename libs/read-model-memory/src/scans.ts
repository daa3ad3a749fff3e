import { NO_CELL } from './cell-table.js';
import type { CountedGift, CreatorEntry, RoomEntry } from './entries.js';
import type { FoldState } from './fold-state.js';
import type { HourRange } from './hour-range.js';
import type { MemberTable } from './member-table.js';

/** Reads what a board is made of, piece by piece, while gifts go on being counted. */
export interface Scan {
  /** Merges about `budget` more; true at the end. */
  step(budget: number): boolean;
  /** Whether this gift's place was read already, so that it must be merged besides; else it is still to be read. */
  hasPassed(gift: CountedGift): boolean;
}

/** What of a cell counts on the board, and for whom. */
export type Measure = 'gifters' | 'creators';

/** All cells of some rooms. New cells are put before the ones read, new rooms behind: see `hasPassed`. */
export class RoomsScan implements Scan {
  #room = 0;
  #cell: number;

  constructor(
    private readonly state: FoldState,
    private readonly rooms: readonly RoomEntry[],
    private readonly range: HourRange,
    private readonly into: MemberTable,
  ) {
    this.#cell = rooms[0]?.firstCell ?? NO_CELL;
  }

  step(budget: number): boolean {
    const { cells } = this.state;
    for (let left = budget; left > 0; left--) {
      if (this.#cell !== NO_CELL) {
        const hour = cells.key(this.#cell) >> 2;
        if (hour >= this.range.start && hour < this.range.end) mergeCell(this.state, this.#cell, 'gifters', this.into);
        this.#cell = cells.nextInRoom(this.#cell);
      } else if (this.#room + 1 < this.rooms.length) {
        this.#cell = this.rooms[++this.#room]!.firstCell;
      } else {
        return true;
      }
    }
    return false;
  }

  hasPassed(gift: CountedGift): boolean {
    const index = this.rooms.length === 1 ? this.rooms.indexOf(gift.room) : gift.room.indexInCreator;
    return index < this.#room || (index === this.#room && gift.cell > this.#cell);
  }
}

/** All cells of some hours, perhaps only a room's or a creator's. */
export class HoursScan implements Scan {
  readonly #hours: readonly number[];
  #at = 0;
  #cell: number;

  constructor(
    private readonly state: FoldState,
    range: HourRange,
    private readonly measure: Measure,
    private readonly only: RoomEntry | CreatorEntry | null,
    private readonly into: MemberTable,
  ) {
    this.#hours = state.hoursIn(range);
    this.#cell = this.#firstCell();
  }

  step(budget: number): boolean {
    const { cells } = this.state;
    for (let left = budget; left > 0; left--) {
      if (this.#cell !== NO_CELL) {
        if (this.#counts(this.#cell)) mergeCell(this.state, this.#cell, this.measure, this.into);
        this.#cell = cells.nextInHour(this.#cell);
      } else if (this.#at + 1 < this.#hours.length) {
        this.#at++;
        this.#cell = this.#firstCell();
      } else {
        return true;
      }
    }
    return false;
  }

  hasPassed(gift: CountedGift): boolean {
    const now = this.#hours[this.#at];
    if (now === undefined || gift.hour < now) return true;
    if (gift.hour === now) return gift.cell > this.#cell;
    return !this.#isListed(gift.hour);
  }

  #counts(cell: number): boolean {
    if (this.only === null) return true;
    const room = this.state.rooms[this.state.cells.room(cell)]!;
    return room === this.only || room.creator === this.only;
  }

  #firstCell(): number {
    const hour = this.#hours[this.#at];
    return hour === undefined ? NO_CELL : (this.state.hours.get(hour)?.firstCell ?? NO_CELL);
  }

  /** An hour that had no cell when the scan began will not be read. */
  #isListed(hour: number): boolean {
    let low = 0;
    let high = this.#hours.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#hours[middle]! < hour) low = middle + 1;
      else high = middle;
    }
    return this.#hours[low] === hour;
  }
}

/** The totals of every viewer, or of every creator. */
export class TotalsScan implements Scan {
  #next = 0;

  constructor(
    private readonly state: FoldState,
    private readonly measure: Measure,
    private readonly into: MemberTable,
  ) {}

  step(budget: number): boolean {
    const { state, into } = this;
    const size = this.measure === 'gifters' ? state.viewers.size : state.creators.length;
    const end = Math.min(size, this.#next + budget);
    for (; this.#next < end; this.#next++) {
      if (this.measure === 'gifters') {
        const coins = state.accounts.given(this.#next);
        if (coins === 0) continue;
        into.merge(
          into.intern(this.#next),
          coins,
          state.accounts.givenReached(this.#next),
          state.accounts.givenReachedAtMs(this.#next),
        );
      } else {
        const { diamonds, reached, reachedAtMs } = state.creators[this.#next]!;
        if (diamonds > 0) into.merge(into.intern(this.#next), diamonds, reached, reachedAtMs);
      }
    }
    return end === size;
  }

  hasPassed(gift: CountedGift): boolean {
    return (this.measure === 'gifters' ? gift.viewer : gift.creator.index) < this.#next;
  }
}

function mergeCell(state: FoldState, cell: number, measure: Measure, into: MemberTable): void {
  const { cells } = state;
  const amount = measure === 'gifters' ? cells.coins(cell) : cells.diamonds(cell);
  if (amount === 0) return;
  const member = measure === 'gifters' ? cells.viewer(cell) : state.rooms[cells.room(cell)]!.creator!.index;
  into.merge(into.intern(member), amount, cells.reached(cell), state.cellReachedAtMs(cell));
}
