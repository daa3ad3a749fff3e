import { EventStoreError, type Ancestry } from '@livegift/event-store';
import { FanOutError, type FanOut, type FanOutPublisher } from '@livegift/fanout';
import type { SharedWork } from '@livegift/lease';
import { FailureLog, type Clocks, type Position, type Scheduler, type Telemetry } from '@livegift/kernel';
import { Lane } from './lane.js';
import type { PublisherConfig } from './publisher.config.js';

export interface LanesParts {
  readonly fanOut: FanOut;
  readonly work: SharedWork;
  readonly storeId: string;
  /** Of the event store; null while nothing was ever restored. */
  readonly ancestry: () => Promise<Ancestry | null>;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: PublisherConfig;
  /** One has failed: its source partition is to be opened again in its time. */
  onFailure(): void;
}

interface Waiting {
  readonly untilMs: number;
  readonly delayMs: number;
  readonly reason: string;
}

/** The source partitions that this publisher works on: its share, less those that it has to leave alone for a while. */
export class Lanes {
  readonly #open = new Map<number, Lane>();
  /** Also of lanes that are open again, since one that fails at once is left alone for longer. */
  readonly #waiting = new Map<number, Waiting>();
  /** How far lanes were when they were closed; at most one entry for each source partition. */
  readonly #closedAt = new Map<number, Position>();
  readonly #closing = new Set<Promise<void>>();

  readonly #failures: FailureLog;

  constructor(private readonly parts: LanesParts) {
    this.#failures = new FailureLog(parts.telemetry);
  }

  get size(): number {
    return this.#open.size;
  }

  get(sourcePartition: number): Lane | undefined {
    return this.#open.get(sourcePartition);
  }

  all(): readonly Lane[] {
    return [...this.#open.values()];
  }

  /** Why a source partition is not open; null when all of the share are, or were not tried yet. */
  get failing(): string | null {
    for (const [part, { reason }] of this.#waiting) if (!this.#open.has(part)) return reason;
    return null;
  }

  /** Of each of the share how far it is done; where it is not open, how far it was; null when it was never open. */
  get positions(): ReadonlyMap<number, Position | null> {
    return new Map([...this.parts.work.parts()].map((part) => [part, this.#positionOf(part)]));
  }

  #positionOf(sourcePartition: number): Position | null {
    return this.#open.get(sourcePartition)?.done ?? this.#closedAt.get(sourcePartition) ?? null;
  }

  get queued(): number {
    let queued = 0;
    for (const lane of this.#open.values()) queued += lane.queued;
    return queued;
  }

  /** Something is being published. */
  get isBusy(): boolean {
    return this.all().some(({ isBusy }) => isBusy);
  }

  /** Resolves when one of the transactions under way is over. */
  async turn(): Promise<void> {
    await Promise.race(this.all().flatMap((lane) => (lane.isBusy ? [lane.turn] : [])));
  }

  /** When the first of those left alone is to be tried again; null when none is. */
  get nextOpeningMs(): number | null {
    const times = [...this.#waiting].flatMap(([part, { untilMs }]) => (this.#open.has(part) ? [] : [untilMs]));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** What is given back is not waited for: when it is given again, it is ours to take, whoever had it in between. */
  shareChanged(share: ReadonlySet<number>): void {
    for (const part of this.#waiting.keys()) if (!share.has(part)) this.#waiting.delete(part);
  }

  /**
   * Closes what is not ours any more and opens what is, all at once. What cannot be opened is left for later.
   * @throws EventStoreError when there is no sense in going on
   */
  async followShare(beginning: () => Promise<Position>): Promise<void> {
    const share = this.parts.work.parts();
    // One that failed when it was no longer ours: nobody would ever open it here, and its time would come again and again.
    for (const part of this.#waiting.keys()) if (!share.has(part)) this.#waiting.delete(part);
    for (const [part, lane] of this.#open) if (!share.has(part)) this.#close(lane);
    await Promise.all(this.#closing);
    const nowMs = this.parts.clock.elapsedMs();
    const missing = [...share].filter(
      (part) => !this.#open.has(part) && (this.#waiting.get(part)?.untilMs ?? 0) <= nowMs,
    );
    const failures: unknown[] = [];
    await Promise.all(missing.map((part) => this.#openLane(part, beginning).catch((error) => failures.push(error))));
    if (failures.length > 0) throw failures[0];
    this.parts.telemetry.gauge('publisher_lanes', this.#open.size);
  }

  async closeAll(): Promise<void> {
    for (const lane of this.#open.values()) this.#close(lane);
    await Promise.all(this.#closing);
  }

  /** All that is ours is published: what failed before has been made good. */
  recovered(): void {
    if (this.failing === null) this.#failures.recovered('publisher: all source partitions work again');
  }

  async #openLane(sourcePartition: number, beginning: () => Promise<Position>): Promise<void> {
    const { fanOut, storeId, clock, scheduler, telemetry, config } = this.parts;
    const onFailure = (lane: Lane, error: unknown): void => {
      if (this.#open.get(sourcePartition) !== lane) return;
      const published = lane.published;
      this.#close(lane);
      this.#wait(sourcePartition, error, published > begun);
      this.parts.onFailure();
    };
    let begun: Position;
    try {
      const outside = { sourcePartition, storeId, clock, scheduler, telemetry, config, onFailure };
      const openPublisher = (): Promise<FanOutPublisher> => fanOut.openPublisher(sourcePartition);
      const lane = await Lane.open(outside, openPublisher, beginning, this.parts.ancestry);
      begun = lane.published;
      this.#open.set(sourcePartition, lane);
    } catch (error) {
      if (error instanceof EventStoreError) throw error;
      this.#wait(sourcePartition, error, false);
    }
  }

  #wait(sourcePartition: number, error: unknown, hasWorked: boolean): void {
    const { clock, config, telemetry } = this.parts;
    const fenced = error instanceof FanOutError && error.code === 'fenced';
    const before = hasWorked ? undefined : this.#waiting.get(sourcePartition);
    const doubled = before === undefined ? config.backOffMs : Math.min(before.delayMs * 2, config.backOffMsMax);
    const delayMs = fenced ? config.fencedWaitMs : doubled;
    this.#waiting.set(sourcePartition, {
      untilMs: clock.elapsedMs() + delayMs,
      delayMs: fenced ? config.backOffMs : delayMs,
      reason: error instanceof Error ? error.message : String(error),
    });
    telemetry.count(fenced ? 'publisher_fenced_total' : 'publisher_restarts_total');
    const reason = error instanceof Error ? error.message : String(error);
    this.#failures.failed('publisher: a source partition failed; opens it again later', {
      sourcePartition,
      reason,
      delayMs,
    });
  }

  #close(lane: Lane): void {
    this.#open.delete(lane.sourcePartition);
    this.#closedAt.set(lane.sourcePartition, lane.published);
    const closing = lane
      .close()
      .catch(() => {})
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
