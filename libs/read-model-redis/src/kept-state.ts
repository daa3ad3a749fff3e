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

  /** Between batches. Everything is let go at once: what is busy comes back with the next batch. */
  trim(): void {
    if (this.#entries > this.entriesMax) for (const state of this.#states) state.outgrown = true;
  }
}

/**
 * What this process last read or wrote of a partition, as of `at`. It is right whenever the partition stands at `at`, since a
 * checkpoint says everything that is there; and the script that writes refuses when it stands elsewhere.
 */
export class KeptState {
  /** Undefined: nothing is kept. */
  at: Position | null | undefined = undefined;
  newestGiftMs: number | null = null;
  cutMs: number | null = null;
  /** By the name of a board, by id; null: it is not on the board. */
  readonly places = new Map<string, Map<string, Place | null>>();
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
    this.newestGiftMs = null;
    this.cutMs = null;
    this.places.clear();
    for (const rows of Object.values(this.rows)) rows.clear();
    this.listed.clear();
    this.made.clear();
    this.outgrown = false;
    this.grow(-this.#entries);
  }
}
