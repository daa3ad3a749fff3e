import { EventStoreError, type SubscriptionBatch } from '@livegift/event-store';
import { FailureLog, type Cancellable, type Position } from '@livegift/kernel';
import { allOfTheWork, type SharedWork } from '@livegift/lease';
import { ReadModelError } from '@livegift/read-model';
import { backoffDelayMs, type ConsumerReport } from '@livegift/subscriptions';
import { AppliedEvents, applyTo } from './apply-batches.js';
import { HeldPartitions, isBehind } from './held-partitions.js';
import { Lane, Lanes } from './lane.js';
import {
  PROJECTOR_DEFAULTS,
  type ProjectorConfig,
  type ProjectorParts,
  type ProjectorState,
} from './projector.config.js';
import { RebuildProgress } from './rebuild-progress.js';

/**
 * Events to read models. Each partition goes on from the checkpoint that stands beside its rows; whatever happens, that one
 * is the truth, and the projector reads again from it. So several projectors do no harm on the same partition, only double
 * work; `work` says which are whose.
 */
export class Projector {
  readonly #parts: ProjectorParts;
  readonly #config: ProjectorConfig;
  readonly #work: SharedWork;
  readonly #held: HeldPartitions;
  readonly #lanes = new Lanes();
  /** Held, and in no lane: their checkpoints are to be read. */
  readonly #unplaced = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  readonly #applied: AppliedEvents;
  readonly #failureLog: FailureLog;
  #life: 'new' | 'running' | 'stopped' | 'refused' = 'new';
  #failures = 0;
  #reason: string | null = null;
  #isPlacing = false;
  #waiting: { readonly timer: Cancellable; readonly go: () => void } | null = null;
  #nextLook: Cancellable | null = null;

  constructor(parts: ProjectorParts) {
    this.#parts = parts;
    this.#config = { ...PROJECTOR_DEFAULTS, ...parts.config };
    this.#work = parts.work ?? allOfTheWork(parts.readModel.partitionCount);
    this.#held = new HeldPartitions(parts.readModel, parts.store.storeId);
    this.#applied = new AppliedEvents(parts.telemetry);
    this.#failureLog = new FailureLog(parts.telemetry);
  }

  /** Begins in the background; `state()` says how far it is. Calling it twice changes nothing. */
  start(): void {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#work.onChange((parts) => this.#workChanged(parts));
    this.#work.start();
    this.#workChanged(this.#work.parts());
    this.#lookLater();
  }

  /** Resolves when the batches under way are applied and nothing more will be; then its partitions are another's. */
  async stop(): Promise<void> {
    if (this.#life === 'running' || this.#life === 'refused') {
      this.#life = 'stopped';
      this.#halt();
    }
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#work.stop();
  }

  state(): ProjectorState {
    const { size, areBuilt, built, least } = this.#held;
    const ready = this.#life === 'running' && this.#work.isAgreed() && areBuilt;
    const phase = this.#phase();
    const reason = phase === 'waiting' || phase === 'refused' ? this.#reason : null;
    return { phase, ready, position: least, partitions: size, built, reason };
  }

  /** For its `ConsumerWatch`. */
  report(): ConsumerReport {
    const { least: position, positions: partitions } = this.#held;
    const outcome = { position, partitions, recordedAtMs: this.#applied.newestRecordedAtMs, failing: this.#reason };
    if (this.#life === 'refused' || this.#life === 'stopped') return { activity: this.#life, ...outcome };
    if (this.#life === 'new' || !this.#work.isAgreed()) return { activity: 'starting', ...outcome };
    return { activity: this.#held.size === 0 ? 'standing-by' : 'working', ...outcome };
  }

  #phase(): ProjectorState['phase'] {
    if (this.#life === 'refused') return 'refused';
    if (this.#life !== 'running') return 'stopped';
    if (!this.#work.isAgreed()) return 'starting';
    if (this.#reason !== null && this.#unplaced.size > 0) return 'waiting';
    if (this.#unplaced.size > 0 && this.#lanes.all.length === 0) return 'starting';
    return this.#held.areBuilt && this.#unplaced.size === 0 ? 'live' : 'catching-up';
  }

  #workChanged(parts: ReadonlySet<number>): void {
    if (this.#life !== 'running') return;
    const { gained, lost } = this.#held.become(parts);
    for (const partition of lost) {
      this.#unplaced.delete(partition);
      this.#lanes.leave(partition);
    }
    this.#parts.telemetry.gauge('projector_partitions_held', this.#held.size);
    this.#replace(gained);
  }

  /** Their checkpoints are read anew, and they go on from there. */
  #replace(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      if (!this.#held.has(partition)) continue;
      this.#lanes.leave(partition);
      this.#unplaced.add(partition);
    }
    if (this.#isPlacing || this.#unplaced.size === 0 || this.#life !== 'running') return;
    this.#isPlacing = true;
    this.#run(this.#placeAll());
  }

  async #placeAll(): Promise<void> {
    while (this.#unplaced.size > 0 && this.#life === 'running') {
      try {
        if (this.#failures > 0) await this.#backOff();
        if (this.#life === 'running') await this.#place([...this.#unplaced]);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isPlacing = false;
  }

  async #place(partitions: readonly number[]): Promise<void> {
    const target = await this.#parts.store.head();
    const loaded = await this.#held.load(partitions, target);
    const marked = await this.#held.markBuilt(partitions.filter((partition) => !loaded.failures.has(partition)));
    if (this.#life !== 'running') return;
    const isRebuild = !this.#held.areBuilt;
    const failed = new Set(this.#noted(new Map([...loaded.failures, ...marked.failures])));
    const byPosition = new Map<Position | null, number[]>();
    for (const partition of partitions) {
      // Meanwhile it may have become another's, or have fallen back again.
      if (!this.#unplaced.has(partition) || failed.has(partition) || marked.gone.includes(partition)) continue;
      this.#unplaced.delete(partition);
      const position = this.#held.positionOf(partition);
      byPosition.set(position, [...(byPosition.get(position) ?? []), partition]);
    }
    const foremostFirst = [...byPosition].toSorted(([a], [b]) => (isBehind(a, b) ? 1 : isBehind(b, a) ? -1 : 0));
    for (const [position, alike] of foremostFirst) {
      const lane = this.#lanes.place(alike, position, (start, all) => new Lane(this.#laneParts(), start, all));
      if (lane !== null) this.#run(this.#follow(lane, new RebuildProgress(target, isRebuild, this.#parts)));
    }
  }

  #laneParts() {
    const { store, scheduler } = this.#parts;
    const { batchEventsMax, pauseMs, restMsMax } = this.#config;
    return { store, scheduler, batchEventsMax, pauseMs, restMsMax };
  }

  /** Until the lane ends or fails; then its partitions go on from what is stored. */
  async #follow(lane: Lane, rebuild: RebuildProgress): Promise<void> {
    try {
      await lane.run(async (batch, mayRest) => {
        await this.#applyBatch(lane, batch, mayRest);
        rebuild.report(lane.through, batch.events.length);
        if (this.#held.areBuilt && this.#unplaced.size === 0) rebuild.done();
        this.#lanes.merge(lane);
      });
    } catch (error) {
      this.#lanes.remove(lane);
      // One that was closed has nobody left who would wait for it.
      if (lane.partitions.size === 0) return;
      this.#failed(error);
      this.#replace([...lane.partitions]);
    }
  }

  /** Partitions that could not be moved leave the lane; the others go on. */
  async #applyBatch(lane: Lane, { events, through }: SubscriptionBatch, laneMayRest: boolean): Promise<void> {
    const partitions = [...lane.partitions];
    if (through !== null) {
      const mayRest = laneMayRest && this.#parts.readModel.partitionCount > 1;
      const order = { partitions, events, to: through, mayRest };
      const { behind, failures, resting } = await applyTo(order, {
        ...this.#parts,
        held: this.#held,
        applied: this.#applied,
      });
      if (resting) lane.endRestLater();
      this.#leftBehind(lane, [...behind, ...this.#noted(failures)]);
    }
    const { gone, failures } = await this.#held.markBuilt(
      partitions.filter((partition) => lane.partitions.has(partition)),
    );
    this.#leftBehind(lane, [...gone, ...this.#noted(failures)]);
    if (this.#unplaced.size > 0) return;
    this.#failures = 0;
    this.#reason = null;
    this.#failureLog.recovered('projector: works again');
  }

  #noted(failures: ReadonlyMap<number, unknown>): number[] {
    const errors = [...failures.values()];
    if (errors.length > 0) this.#failed(errors.find(isHopeless) ?? errors[0]);
    return [...failures.keys()];
  }

  #leftBehind(lane: Lane, partitions: readonly number[]): void {
    this.#replace(partitions.filter((partition) => lane.partitions.has(partition)));
  }

  #lookLater(): void {
    this.#nextLook = this.#parts.scheduler.after(this.#config.lookEveryMs, () => {
      if (this.#life === 'running') this.#run(this.#look());
    });
  }

  async #look(): Promise<void> {
    const { telemetry } = this.#parts;
    const { gone, failures } = await this.#held.look();
    telemetry.count('projector_looks_failed_total', failures.size);
    if (gone.length > 0) {
      telemetry.count('projector_partitions_fallen_back_total', gone.length);
      telemetry.warn('projector: partitions have fallen back, going on from what is stored', { partitions: gone });
      this.#replace(gone);
    }
    if (this.#life === 'running') this.#lookLater();
  }

  #failed(error: unknown): void {
    if (this.#life !== 'running') return;
    if (isHopeless(error)) return this.#refuse(error);
    this.#failures++;
    this.#reason = messageOf(error);
  }

  async #backOff(): Promise<void> {
    const { scheduler, telemetry } = this.#parts;
    const { backOffFirstMs: firstMs, backOffMaxMs: maxMs } = this.#config;
    const waitMs = backoffDelayMs({ firstMs, maxMs, factor: 2 }, this.#failures - 1);
    telemetry.count('projector_retries_total');
    this.#failureLog.failed('projector: failed; reads its checkpoints again', { reason: this.#reason, waitMs });
    await new Promise<void>((go) => {
      this.#waiting = { timer: scheduler.after(waitMs, go), go };
    });
    this.#waiting = null;
  }

  #refuse(error: unknown): void {
    this.#life = 'refused';
    this.#reason = messageOf(error);
    this.#parts.telemetry.error('projector: cannot go on by itself', { error: this.#reason });
    this.#halt();
    this.#run(this.#work.stop());
  }

  #halt(): void {
    this.#nextLook?.cancel();
    for (const lane of this.#lanes.all) lane.close();
    this.#waiting?.timer.cancel();
    this.#waiting?.go();
  }

  #run(task: Promise<void>): void {
    this.#running.add(task);
    void task.finally(() => this.#running.delete(task));
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
