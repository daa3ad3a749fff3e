import { EventStoreError, type EventReader, type Subscription, type SubscriptionBatch } from '@livegift/event-store';
import { pause, type Cancellable, type Clock, type Position, type Scheduler, type Telemetry } from '@livegift/kernel';
import { batchesOf, PROJECTED_TYPES } from '@livegift/projections';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import { backoffDelayMs } from '@livegift/subscriptions';
import { PartitionProgress } from './partition-progress.js';
import { RebuildProgress } from './rebuild-progress.js';

export interface ProjectorParts {
  readonly store: EventReader;
  readonly readModel: ReadModel;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config?: Partial<ProjectorConfig>;
}

export interface ProjectorConfig {
  /** Events in one batch of a subscription. */
  readonly batchEventsMax: number;
  /** Waits after failures double from the first to the last. */
  readonly backOffFirstMs: number;
  readonly backOffMaxMs: number;
}

export interface ProjectorState {
  /** `refused`: the read model belongs to another store, or lies beyond the end of this one; it has to be rebuilt. */
  readonly phase: 'stopped' | 'starting' | 'catching-up' | 'live' | 'waiting' | 'refused';
  /** Has been as far as the log was when the projector began: queries may be answered. */
  readonly ready: boolean;
  /** How far every partition has got. */
  readonly position: Position | null;
  /** Of the phases `waiting` and `refused`: why. */
  readonly reason: string | null;
}

const DEFAULTS: ProjectorConfig = { batchEventsMax: 4_096, backOffFirstMs: 50, backOffMaxMs: 5_000 };

/**
 * Events to read models. Each partition goes on from the checkpoint that stands beside its rows; whatever happens, that one
 * is the truth, and the projector reads again from it. Several projectors do no harm, only double work.
 */
export class Projector {
  readonly #parts: ProjectorParts;
  readonly #config: ProjectorConfig;
  #phase: ProjectorState['phase'] = 'stopped';
  #reason: string | null = null;
  #ready = false;
  #progress: PartitionProgress | null = null;
  #subscription: Subscription | null = null;
  #waiting: { readonly timer: Cancellable; readonly go: () => void } | null = null;
  #running: Promise<void> | null = null;
  #begun: () => void = () => {};

  constructor(parts: ProjectorParts) {
    this.#parts = parts;
    this.#config = { ...DEFAULTS, ...parts.config };
  }

  /**
   * Begins in the background; `state()` says how far it is. Resolves once a read model that has to be rebuilt says so to
   * its readers, or cannot be reached for now. Calling it twice changes nothing.
   */
  async start(): Promise<void> {
    if (this.#running !== null) return;
    this.#phase = 'starting';
    await new Promise<void>((begun) => {
      this.#begun = begun;
      this.#running = this.#run().finally(begun);
    });
  }

  /** Resolves when the batch under way is applied and nothing more will be. */
  async stop(): Promise<void> {
    if (this.#running === null) return;
    this.#phase = 'stopped';
    this.#subscription?.close();
    this.#waiting?.timer.cancel();
    this.#waiting?.go();
    await this.#running;
    this.#running = null;
  }

  state(): ProjectorState {
    return { phase: this.#phase, ready: this.#ready, position: this.#progress?.least ?? null, reason: this.#reason };
  }

  async #run(): Promise<void> {
    const { telemetry } = this.#parts;
    for (let failures = 0; !this.#isStopped();) {
      try {
        await this.#follow(() => (failures = 0));
      } catch (error) {
        this.#begun();
        if (this.#isStopped()) return;
        if (isHopeless(error)) return this.#refuse(error);
        const { backOffFirstMs: firstMs, backOffMaxMs: maxMs } = this.#config;
        const waitMs = backoffDelayMs({ firstMs, maxMs, factor: 2 }, failures++);
        telemetry.count('projector_retries_total');
        telemetry.warn('projector: waits and reads its checkpoints again', { error: messageOf(error), waitMs });
        await this.#wait(messageOf(error), waitMs);
      }
    }
  }

  /** Reads from the partition that is furthest behind, until something makes it begin anew. */
  async #follow(onProgress: () => void): Promise<void> {
    const { store, readModel, clock, scheduler, telemetry } = this.#parts;
    const progress = await PartitionProgress.load(readModel, store.storeId);
    this.#progress = progress;
    const target = await store.head();
    const { least } = progress;
    const subscription = await store.subscribe({
      after: least === null ? null : { storeId: store.storeId, position: least },
      types: PROJECTED_TYPES,
      batchEventsMax: this.#config.batchEventsMax,
    });
    this.#subscription = subscription;
    this.#begun();
    if (this.#isStopped()) return subscription.close();
    this.#become('catching-up');
    const rebuild = new RebuildProgress(target, clock, telemetry);
    try {
      for (;;) {
        const batch = await subscription.next();
        if (batch === null) {
          if (this.#isStopped()) return;
          throw new EventStoreError('unavailable', 'the subscription has ended');
        }
        if (!(await this.#applyBatch(progress, batch))) return;
        onProgress();
        rebuild.report(progress.least, batch.events.length);
        if (this.#phase !== 'live' && progress.hasReached(target) && !(await this.#goLive(progress, rebuild))) return;
        // An embedded store and read model answer at once: without this nobody else would get the event loop.
        if (!batch.caughtUp) await pause(scheduler, 0);
      }
    } finally {
      subscription.close();
    }
  }

  /** False when a partition stands before what was read, so that reading has to begin anew. */
  async #applyBatch(progress: PartitionProgress, { events, through }: SubscriptionBatch): Promise<boolean> {
    if (through === null) return true;
    const { readModel, store, telemetry } = this.#parts;
    const batches = batchesOf(events, { storeId: store.storeId, from: progress.positions, to: through });
    const results = await Promise.all(batches.map(async (batch) => ({ batch, result: await readModel.apply(batch) })));
    let goOn = true;
    for (const { batch, result } of results) {
      if (result.applied) {
        progress.moved(batch.partition, batch.to);
        continue;
      }
      telemetry.count('projector_batches_refused_total');
      const stored = progress.stored(batch.partition, result.checkpoint);
      if (stored === null || stored < through) goOn = false;
    }
    telemetry.count('projector_events_total', events.length);
    return goOn;
  }

  /** False when a partition has fallen back meanwhile. */
  async #goLive(progress: PartitionProgress, rebuild: RebuildProgress): Promise<boolean> {
    if (!(await progress.markBuilt())) return false;
    rebuild.done();
    this.#ready = true;
    this.#become('live');
    return true;
  }

  #become(phase: 'catching-up' | 'live'): void {
    if (this.#isStopped()) return;
    this.#phase = phase;
    this.#reason = null;
  }

  #refuse(error: unknown): void {
    this.#phase = 'refused';
    this.#ready = false;
    this.#reason = messageOf(error);
    this.#parts.telemetry.error('projector: cannot go on by itself', { error: messageOf(error) });
  }

  async #wait(reason: string, waitMs: number): Promise<void> {
    this.#phase = 'waiting';
    this.#reason = reason;
    await new Promise<void>((go) => {
      this.#waiting = { timer: this.#parts.scheduler.after(waitMs, go), go };
    });
    this.#waiting = null;
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }
}

function isHopeless(error: unknown): boolean {
  return (
    (error instanceof EventStoreError &&
      (error.code === 'checkpoint-foreign' || error.code === 'checkpoint-beyond-end' || error.code === 'damaged')) ||
    (error instanceof ReadModelError && error.code === 'checkpoint-foreign') ||
    error instanceof RangeError
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
