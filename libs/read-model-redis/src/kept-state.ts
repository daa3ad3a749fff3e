import type { Position } from '@livegift/kernel';
import type { RowTable } from '@livegift/read-model';
import type { Place } from './place.js';
import type { Listed, Row } from './row.js';

/** How much all partitions of one process keep. */
export class KeptBudget {
  #entries = 0;
  readonly #states = new Set<KeptState>();

  constructor(private readonly entriesMax: number) {}

  join(state: KeptState): void {
    this.#states.add(state);
  }

  changed(entries: number): void {
    this.#entries += entries;
  }

  /**
   * Everything is let go at once: what is busy comes back with the next batch. A partition in the middle of one lets go
   * after it; one that nobody applies to any more (another process has it now) would never come to that.
   */
  trim(): void {
    if (this.#entries <= this.entriesMax) return;
    for (const state of this.#states) {
      if (state.isInUse) state.outgrown = true;
      else state.forget();
    }
  }
}

/**
 * What this process last read or wrote of a partition, as of `at`. It is right whenever the partition stands at `at`, since a
 * checkpoint says everything that is there; and the script that writes refuses when it stands elsewhere.
 */
export class KeptState {
  /** Undefined: nothing is kept. */
  at: Position | null | undefined = undefined;
  newestRecordedMs: number | null = null;
  cutMs: number | null = null;
  /** By board, by id. */
  readonly boards = new Map<string, Map<string, KeptMember>>();
  readonly rows: Readonly<Record<RowTable, Map<string, Row | null>>> = {
    wallet: new Map(),
    creator: new Map(),
    room: new Map(),
  };
  readonly listed = new Map<string, Listed | null>();
  /** What is known to stand in `made`. */
  readonly made = new Set<string>();
  /** The process keeps too much: to be forgotten before the next batch, never in the middle of one. */
  outgrown = false;
  /** A batch is being applied. */
  isInUse = false;
  #entries = 0;

  constructor(private readonly budget: KeptBudget) {
    budget.join(this);
  }

  grow(entries: number): void {
    this.#entries += entries;
    this.budget.changed(entries);
  }

  forget(): void {
    this.at = undefined;
    this.newestRecordedMs = null;
    this.cutMs = null;
    this.boards.clear();
    for (const rows of Object.values(this.rows)) rows.clear();
    this.listed.clear();
    this.made.clear();
    this.outgrown = false;
    this.grow(-this.#entries);
  }
}

/** Beyond those of live gifts: a few of gifts that come late. */
const PERIODS_KEPT_MAX = 12;

/** Where a member stands on a board's windows, as far as it is known. */
export class KeptMember {
  readonly #periods: string[] = [];
  readonly #places: (Place | null)[] = [];

  /** @param isWhole where no place is known, there is none */
  constructor(private isWhole: boolean) {}

  /** Between batches. */
  trim(): void {
    if (this.#periods.length <= PERIODS_KEPT_MAX) return;
    this.#periods.length = 0;
    this.#places.length = 0;
    this.isWhole = false;
  }

  /** Null: not on it. Undefined: not known. */
  place(period: string): Place | null | undefined {
    const index = this.#periods.indexOf(period);
    return index >= 0 ? this.#places[index] : this.isWhole ? null : undefined;
  }

  put(period: string, place: Place | null): void {
    const index = this.#periods.indexOf(period);
    if (index >= 0) {
      this.#places[index] = place;
      return;
    }
    this.#periods.push(period);
    this.#places.push(place);
  }
}
