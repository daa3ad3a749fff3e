import {
  EventStoreError,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionBatch,
} from '@livegift/event-store';
import type { Checkpoint, RecordedEvent, Turns } from '@livegift/kernel';
import { READ_EVENTS_MAX } from './log-reads.js';
import { positionOf, sequenceOf } from './sequence.js';
import { TypeScan, type ScanSlice } from './type-scan.js';

const BATCH_EVENTS_DEFAULT = 1_000;
/** A subscription that finds nothing says after so many slices how far it has looked, so that its consumer's checkpoint moves. */
const SLICES_PER_BATCH_MAX = 16;

/** What a subscription reads: the durable log, and its end. */
export interface DurableLog {
  /** Position of the last durable event; 0 in an empty log. */
  end(): number;
  /** @throws EventStoreError `unavailable`, `damaged` */
  range(from: number, to: number): readonly RecordedEvent[];
  /** Whether the events from there on are in memory. */
  isInMemory(from: number): boolean;
  /** Looks on with a scan for a short time. @throws EventStoreError `unavailable`, `damaged` */
  scan(scan: TypeScan, from: number, to: number, eventsMax: number): ScanSlice;
  /** Shared by all who scan this log. */
  readonly turns: Turns;
  /** Resolves once the log may have grown, or is closed; or when `cancelled` is called. */
  grown(end: number, cancelled: { call: () => void }): Promise<void>;
  readonly closed: boolean;
}

/** Pulled by its consumer: holds a position and nothing else. */
export class LogSubscription implements Subscription {
  #through: number;
  readonly #types: ReadonlySet<string> | null;
  readonly #scan: TypeScan | null;
  #owesTurn = true;
  readonly #batchEventsMax: number;
  #saidCaughtUp = false;
  #closed = false;
  readonly #cancel = { call: (): void => {} };

  constructor(
    private readonly log: DurableLog,
    options: SubscribeOptions,
  ) {
    this.#through = options.after === null ? 0 : sequenceOf(options.after.position);
    this.#types = options.types === undefined ? null : new Set(options.types);
    this.#scan = options.types === undefined ? null : new TypeScan(options.types);
    this.#batchEventsMax = Math.min(Math.max(1, options.batchEventsMax ?? BATCH_EVENTS_DEFAULT), READ_EVENTS_MAX);
  }

  async next(): Promise<SubscriptionBatch | null> {
    for (;;) {
      if (this.#closed || this.log.closed) return null;
      const end = this.log.end();
      if (this.#through < end || !this.#saidCaughtUp) {
        const scan = this.#through < end && !this.log.isInMemory(this.#through + 1) ? this.#scan : null;
        return scan === null ? this.#batch(end) : await this.#scanned(scan, end);
      }
      await this.log.grown(end, this.#cancel);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancel.call();
  }

  async #scanned(scan: TypeScan, end: number): Promise<SubscriptionBatch | null> {
    for (let slices = 1; ; slices++) {
      if (this.#owesTurn) await this.log.turns.take();
      if (this.#closed || this.log.closed) return null;
      const { events, through, isCutShort } = this.log.scan(scan, this.#through + 1, end, this.#batchEventsMax);
      this.#through = through;
      this.#owesTurn = isCutShort;
      if (events.length === 0 && isCutShort && slices < SLICES_PER_BATCH_MAX) continue;
      this.#saidCaughtUp = through === end;
      return { events, through: positionOf(through), caughtUp: through === end };
    }
  }

  #batch(end: number): SubscriptionBatch {
    const to = Math.min(end, this.#through + this.#batchEventsMax);
    const events = to > this.#through ? this.log.range(this.#through + 1, to) : [];
    const types = this.#types;
    this.#through = to;
    this.#saidCaughtUp = to === end;
    return {
      events: types === null ? events : events.filter((event) => types.has(event.type)),
      through: to === 0 ? null : positionOf(to),
      caughtUp: to === end,
    };
  }
}

/** @throws EventStoreError `checkpoint-foreign`, `checkpoint-beyond-end` */
export function assertCheckpoint(after: Checkpoint | null, storeId: string, end: number): void {
  if (after === null) return;
  if (after.storeId !== storeId) {
    throw new EventStoreError('checkpoint-foreign', `the checkpoint is of store ${after.storeId}, this is ${storeId}`);
  }
  if (sequenceOf(after.position) > end) {
    const message = `the checkpoint is at ${after.position}, the log ends at ${positionOf(end)}`;
    throw new EventStoreError('checkpoint-beyond-end', message);
  }
}
