import {
  ancestryOf,
  EventStoreError,
  type EventReader,
  type Subscription,
  type SubscriptionBatch,
} from '@livegift/event-store';
import { FanOutError, sourcePartitionOf, type FanOut, type RoomMessage } from '@livegift/fanout';
import type { SharedWork } from '@livegift/lease';
import {
  CuttablePause,
  LOG_START,
  FailureLog,
  type Cancellable,
  type Clocks,
  type Position,
  type Scheduler,
  type Telemetry,
} from '@livegift/kernel';
import type { ConsumerReport } from '@livegift/subscriptions';
import { GiftInfos } from './gift-infos.js';
import { Lanes } from './lanes.js';
import type { PublisherConfig } from './publisher.config.js';
import { PUBLISHED_TYPES, roomMessageOf } from './room-messages.js';
import { startingPoint } from './starting-point.js';

export interface PublisherParts {
  readonly events: EventReader;
  readonly fanOut: FanOut;
  /** Its parts are the source partitions. Started and stopped with the publisher. */
  readonly work: SharedWork;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: PublisherConfig;
}

export interface PublisherState {
  readonly running: boolean;
  /** True once everything that was in the log has been published, as far as it is ours, since the last (re)start. */
  readonly caughtUp: boolean;
  /** Of the log, read; null before the first batch. */
  readonly through: Position | null;
  /** How many source partitions it works on. */
  readonly lanes: number;
  /** Why it gave up for good: the checkpoint is of another store, or beyond this one's end. */
  readonly failure: string | null;
}

/**
 * Carries what rooms show from the log to the fan-out: at least once, in order of position per source partition. One
 * subscription to the log feeds a lane for each source partition that is our share.
 */
export class Publisher {
  readonly #lanes: Lanes;
  readonly #backOff: CuttablePause;
  #stopped = true;
  /** The lanes are to be looked at again: the share has changed, one has failed, or one's time has come. */
  #changed = false;
  #run: Promise<void> = Promise.resolve();
  #subscription: Subscription | null = null;
  #caughtUp = false;
  #through: Position | null = null;
  #failure: string | null = null;
  /** Why it began again, until it reads on. */
  #restartedBecause: string | null = null;
  #recordedAt: string | null = null;
  readonly #restarts: FailureLog;
  #waiting: (() => void)[] = [];

  constructor(private readonly parts: PublisherParts) {
    const { fanOut, work, events, clock, scheduler, telemetry, config } = parts;
    const onFailure = (): void => this.#change();
    const history = { storeId: events.storeId, ancestry: () => ancestryOf(events) };
    this.#lanes = new Lanes({ fanOut, work, ...history, clock, scheduler, telemetry, config, onFailure });
    this.#backOff = new CuttablePause(scheduler);
    this.#restarts = new FailureLog(telemetry);
    work.onChange((share) => {
      this.#lanes.shareChanged(share);
      this.#change();
    });
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.parts.work.start();
    this.#run = this.#keepRunning();
  }

  /** Resolves when what is being published is published. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#change();
    this.#release();
    await this.#lanes.closeAll();
    await this.#run;
    await this.parts.work.stop();
  }

  state(): PublisherState {
    return {
      running: !this.#stopped,
      caughtUp: this.#caughtUp,
      through: this.#through,
      lanes: this.#lanes.size,
      failure: this.#failure,
    };
  }

  /** For its `ConsumerWatch`. */
  report(): ConsumerReport {
    const { work } = this.parts;
    const partitions = this.#lanes.positions;
    const positions = [...partitions.values()];
    const position = positions.length === 0 ? null : positions.reduce(lesser);
    const recordedAtMs = this.#recordedAt === null ? null : Date.parse(this.#recordedAt);
    const failing = this.#failure ?? this.#lanes.failing ?? this.#restartedBecause;
    const outcome = { position, partitions, recordedAtMs, failing };
    if (this.#failure !== null) return { activity: 'refused', ...outcome };
    if (this.#stopped || !work.isAgreed()) return { activity: 'starting', ...outcome };
    return { activity: work.parts().size === 0 ? 'standing-by' : 'working', ...outcome };
  }

  /** Resolves when everything that was in the log has been published, or when there is no hope of it. */
  async caughtUp(): Promise<void> {
    if (this.#caughtUp || this.#stopped || this.#failure !== null) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async #keepRunning(): Promise<void> {
    const { config, telemetry } = this.parts;
    let backOffMs = config.backOffMs;
    while (!this.#stopped) {
      const before = this.#through;
      try {
        await this.#runOnce();
        continue;
      } catch (error) {
        if (isHopeless(error)) {
          this.#failure = (error as Error).message;
          telemetry.error('the publisher cannot go on: rebuild the fan-out', { error: String(error) });
          break;
        }
        telemetry.count('publisher_restarts_total');
        this.#restartedBecause = error instanceof Error ? error.message : String(error);
        this.#restarts.failed('publisher: failed; starts again', { reason: this.#restartedBecause, backOffMs });
      }
      if (this.#through !== before) backOffMs = config.backOffMs;
      if (!this.#isStopped()) await this.#backOff.for(backOffMs);
      backOffMs = Math.min(backOffMs * 2, config.backOffMsMax);
    }
    this.#caughtUp = false;
    this.#release();
    await this.#lanes.closeAll();
  }

  /** Until the lanes are to be looked at again, something fails, or it is stopped. */
  async #runOnce(): Promise<void> {
    this.#changed = false;
    this.#caughtUp = false;
    let begin: Promise<Position> | null = null;
    await this.#lanes.followShare(() => (begin ??= this.#beginning()));
    const timer = this.#changeInTime();
    try {
      if (this.#lanes.size > 0) await this.#carry();
      else await this.#rest();
    } finally {
      timer?.cancel();
      this.#subscription?.close();
      this.#subscription = null;
    }
  }

  async #carry(): Promise<void> {
    const { events, config } = this.parts;
    const start = this.#lanes
      .all()
      .map(({ taken }) => taken)
      .reduce((least, taken) => (taken < least ? taken : least));
    const position = start === LOG_START ? null : start;
    const infos = await GiftInfos.at(events, position);
    const after = position === null ? null : { storeId: events.storeId, position };
    const { batchEventsMax } = config;
    this.#subscription = await events.subscribe({ after, types: PUBLISHED_TYPES, batchEventsMax });
    while (!this.#changed) {
      const batch = await this.#subscription.next();
      if (batch === null && this.#changed) return;
      if (batch === null) throw new EventStoreError('unavailable', 'the subscription to the log has ended');
      await this.#hand(batch, infos);
    }
  }

  /** Nothing is ours for now, so nothing is left to be published. */
  async #rest(): Promise<void> {
    const { work, config } = this.parts;
    if (work.isAgreed() && work.parts().size === 0) this.#reachEnd();
    if (!this.#changed) await this.#backOff.for(config.backOffMsMax);
  }

  /** Where to begin a source partition that nothing was published to. */
  async #beginning(): Promise<Position> {
    const { events, clock, config } = this.parts;
    const { windowMs, windowEventsMax } = config;
    if (windowMs === null) return LOG_START;
    return (await startingPoint(events, clock.now() - windowMs, windowEventsMax)) ?? LOG_START;
  }

  /** Gives each lane what is its own; waits while too much waits to be published. */
  async #hand(batch: SubscriptionBatch, infos: GiftInfos): Promise<void> {
    const { events, fanOut, config } = this.parts;
    const messages = new Map<number, RoomMessage[]>(this.#lanes.all().map((lane) => [lane.sourcePartition, []]));
    for (const event of batch.events) {
      infos.evolve(event);
      const made = roomMessageOf(event, infos, events);
      const message = made instanceof Promise ? await made : made;
      if (message === null) continue;
      messages.get(sourcePartitionOf(message.roomId, fanOut.sourcePartitionCount))?.push(message);
    }
    if (batch.through !== null) {
      for (const [sourcePartition, own] of messages) this.#lanes.get(sourcePartition)?.take(own, batch.through);
      this.#through = batch.through;
    }
    this.#recordedAt = batch.events.at(-1)?.metadata.recordedAt ?? this.#recordedAt;
    this.#restartedBecause = null;
    this.#restarts.recovered('publisher: reads the log again');
    while (!this.#changed && this.#lanes.queued > config.queuedMessagesMax) await this.#lanes.turn();
    if (!batch.caughtUp || this.#caughtUp) return;
    while (!this.#changed && this.#lanes.isBusy) await this.#lanes.turn();
    if (!this.#changed) this.#reachEnd();
  }

  #reachEnd(): void {
    this.#caughtUp = true;
    this.#lanes.recovered();
    this.#release();
  }

  #changeInTime(): Cancellable | null {
    const { clock, scheduler } = this.parts;
    const atMs = this.#lanes.nextOpeningMs;
    return atMs === null ? null : scheduler.after(Math.max(0, atMs - clock.elapsedMs()), () => this.#change());
  }

  #change(): void {
    this.#changed = true;
    this.#subscription?.close();
    this.#backOff.cut();
  }

  /** Asked again after an await, where the compiler would still believe the old answer. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

const lesser = (a: Position | null, b: Position | null): Position | null =>
  a === null || b === null ? null : a < b ? a : b;

function isHopeless(error: unknown): boolean {
  if (error instanceof FanOutError) return error.code === 'misconfigured';
  if (!(error instanceof EventStoreError)) return false;
  return error.code === 'checkpoint-foreign' || error.code === 'checkpoint-beyond-end' || error.code === 'damaged';
}
