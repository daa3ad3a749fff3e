import { EventStoreError, type EventReader, type Subscription, type SubscriptionBatch } from '@livegift/event-store';
import { CuttablePause, pause, type Cancellable, type Position, type Scheduler } from '@livegift/kernel';
import { PROJECTED_TYPES } from '@livegift/projections';
import { isBehind } from './held-partitions.js';

export interface LaneParts {
  readonly store: EventReader;
  readonly scheduler: Scheduler;
  readonly batchEventsMax: number;
  readonly pauseMs: number;
  readonly restMsMax: number;
}

/** Nothing new. */
const REST_OVER: SubscriptionBatch = { events: [], through: null, caughtUp: true };

/** One reading of the log, for partitions that stand at about the same place. */
export class Lane {
  readonly partitions: Set<number>;
  #through: Position | null;
  #subscription: Subscription | null = null;
  #rest: Cancellable | null = null;
  #isRestOver = false;
  #wake = (): void => {};
  readonly #gathering: CuttablePause;
  #closed = false;

  constructor(
    private readonly parts: LaneParts,
    start: Position | null,
    partitions: Iterable<number>,
  ) {
    this.#through = start;
    this.partitions = new Set(partitions);
    this.#gathering = new CuttablePause(parts.scheduler);
  }

  /** How far was read. A partition that stands here or later misses nothing when it joins. */
  get through(): Position | null {
    return this.#through;
  }

  /** Partitions of it rest: in `restMsMax` there is a batch that moves them, if need be one without events. */
  endRestLater(): void {
    this.#rest ??= this.parts.scheduler.after(this.parts.restMsMax, () => {
      this.#isRestOver = true;
      this.#wake();
    });
  }

  /**
   * Until it is closed. `handle` is told whether partitions that nothing is written to may rest.
   * @throws what the store throws, or `handle`
   */
  async run(handle: (batch: SubscriptionBatch, mayRest: boolean) => Promise<void>): Promise<void> {
    const { store, scheduler, batchEventsMax, pauseMs } = this.parts;
    const after = this.#through === null ? null : { storeId: store.storeId, position: this.#through };
    const subscription = await store.subscribe({ after, types: PROJECTED_TYPES, batchEventsMax });
    this.#subscription = subscription;
    try {
      for (let coming: Promise<SubscriptionBatch | null> | null = null; !this.#closed;) {
        coming ??= subscription.next();
        const batch = await Promise.race([coming, this.#restOver()]);
        if (this.#closed) return;
        if (batch === null) throw new EventStoreError('unavailable', 'the subscription has ended');
        if (batch !== REST_OVER) coming = null;
        if (batch.through !== null) this.#through = batch.through;
        const mayRest = !this.#isRestOver;
        if (!mayRest) [this.#rest, this.#isRestOver] = [null, false];
        await handle({ ...batch, through: this.#through }, mayRest);
        // An embedded store and read model answer at once: without this nobody else would get the event loop.
        if (!batch.caughtUp) await pause(scheduler, 0);
        else if (pauseMs > 0 && !this.#closed) await this.#gathering.for(pauseMs);
      }
    } finally {
      this.#rest?.cancel();
      subscription.close();
    }
  }

  #restOver(): Promise<SubscriptionBatch> {
    return new Promise((resolve) => {
      this.#wake = () => resolve(REST_OVER);
      if (this.#isRestOver) this.#wake();
    });
  }

  close(): void {
    this.#closed = true;
    this.#subscription?.close();
    this.#gathering.cut();
  }
}

/**
 * Partitions that stand at different places are read for apart: one that was rebuilt, or taken over far behind, does not
 * hold up the others. A lane that has reached one in front of it becomes part of that one.
 */
export const LANES_MAX = 3;

/** The lanes there are, the foremost first. */
export class Lanes {
  #lanes: readonly Lane[] = [];

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  /** Puts partitions that stand at `position` where they are read for next. @returns a lane that has to be run, if it is new */
  place(partitions: Iterable<number>, position: Position | null, open: LaneOpener): Lane | null {
    const equal = this.#lanes.find(({ through }) => through === position);
    if (equal === undefined && this.#lanes.length < LANES_MAX) return this.#add(open(position, partitions));
    const joined = equal ?? this.#lanes.find(({ through }) => !isBehind(position, through));
    if (joined !== undefined) {
      for (const partition of partitions) joined.partitions.add(partition);
      return null;
    }
    // Further behind than all: the last lane begins anew from here.
    const last = this.#lanes.at(-1)!;
    const both = [...last.partitions, ...partitions];
    this.remove(last);
    last.partitions.clear();
    last.close();
    return this.#add(open(position, both));
  }

  /** A lane that has come up with one in front of it hands its partitions over, and ends. */
  merge(lane: Lane): void {
    const inFront = this.#lanes.slice(0, Math.max(0, this.#lanes.indexOf(lane)));
    const reached = inFront.find(({ through }) => !isBehind(lane.through, through));
    if (reached === undefined) return;
    for (const partition of lane.partitions) reached.partitions.add(partition);
    reached.endRestLater();
    lane.partitions.clear();
    this.remove(lane);
    lane.close();
  }

  /** Nobody reads for this partition any more. A lane that has none left ends. */
  leave(partition: number): void {
    for (const lane of this.#lanes) {
      if (!lane.partitions.delete(partition) || lane.partitions.size > 0) continue;
      this.remove(lane);
      lane.close();
    }
  }

  remove(lane: Lane): void {
    this.#lanes = this.#lanes.filter((other) => other !== lane);
  }

  #add(lane: Lane): Lane {
    const ahead = this.#lanes.filter(({ through }) => !isBehind(through, lane.through));
    this.#lanes = [...ahead, lane, ...this.#lanes.filter((other) => !ahead.includes(other))];
    return lane;
  }
}

export type LaneOpener = (start: Position | null, partitions: Iterable<number>) => Lane;
