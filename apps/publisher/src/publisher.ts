import { EventStoreError, type EventReader, type Subscription, type SubscriptionBatch } from '@livegift/event-store';
import { FanOutError, sourcePartitionOf, type FanOut, type FanOutPublisher, type RoomMessage } from '@livegift/fanout';
import type { Checkpoint, Clock, Position, Scheduler, Telemetry } from '@livegift/kernel';
import { GiftInfos } from './gift-infos.js';
import type { PublisherConfig } from './publisher.config.js';
import { PUBLISHED_TYPES, roomMessageOf } from './room-messages.js';
import { startingPoint } from './starting-point.js';

export interface PublisherParts {
  readonly events: EventReader;
  readonly fanOut: FanOut;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: PublisherConfig;
}

export interface PublisherState {
  readonly running: boolean;
  /** True once everything that was in the log has been published, since the last (re)start. */
  readonly caughtUp: boolean;
  /** Of the log, read and published; null before the first batch. */
  readonly through: Position | null;
  /** Why it gave up for good: the checkpoint is of another store, or beyond this one's end. */
  readonly failure: string | null;
}

interface Lane {
  readonly sourcePartition: number;
  readonly publisher: FanOutPublisher;
  checkpoint: Position;
  savedMs: number;
}

/** Before every position: the checkpoint of a publisher that begins at the beginning of the log. */
const LOG_START = '0'.repeat(16) as Position;

/** Carries what rooms show from the log to the fan-out: at least once, in order of position per source partition. */
export class Publisher {
  #stopped = true;
  #run: Promise<void> = Promise.resolve();
  #subscription: Subscription | null = null;
  #caughtUp = false;
  #through: Position | null = null;
  #failure: string | null = null;
  #waiting: (() => void)[] = [];
  #wake = (): void => {};

  constructor(private readonly parts: PublisherParts) {}

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#run = this.#keepRunning();
  }

  /** Resolves when the batch under way is published. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    this.#subscription?.close();
    this.#release();
    await this.#run;
  }

  state(): PublisherState {
    return { running: !this.#stopped, caughtUp: this.#caughtUp, through: this.#through, failure: this.#failure };
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
      } catch (error) {
        if (isHopeless(error)) {
          this.#failure = (error as Error).message;
          telemetry.error('the publisher cannot go on: rebuild the fan-out', { error: String(error) });
          return this.#release();
        }
        telemetry.count('publisher_restarts');
        telemetry.warn('the publisher starts again', { error: String(error), backOffMs });
      }
      if (this.#stopped) return;
      if (this.#through !== before) backOffMs = config.backOffMs;
      await this.#rest(backOffMs);
      backOffMs = Math.min(backOffMs * 2, config.backOffMsMax);
    }
  }

  /** From opening (which fences whoever was before) until something fails or it is stopped. */
  async #runOnce(): Promise<void> {
    const { events, fanOut, config } = this.parts;
    const lanes: Lane[] = [];
    try {
      let begin: Promise<Position> | null = null;
      const beginning = (): Promise<Position> => (begin ??= this.#beginning());
      for (let partition = 0; partition < fanOut.sourcePartitionCount; partition++) {
        lanes.push(await this.#openLane(partition, beginning));
      }
      const start = lanes.map(({ checkpoint }) => checkpoint).sort()[0]!;
      const position = start === LOG_START ? null : start;
      const infos = await GiftInfos.at(events, position);
      const after = position === null ? null : { storeId: events.storeId, position };
      const { batchEventsMax } = config;
      this.#subscription = await events.subscribe({ after, types: PUBLISHED_TYPES, batchEventsMax });
      while (!this.#stopped) {
        const batch = await this.#subscription.next();
        if (batch === null) return;
        await this.#publish(batch, lanes, infos);
      }
    } finally {
      this.#caughtUp = false;
      this.#subscription?.close();
      this.#subscription = null;
      await Promise.allSettled(lanes.map(({ publisher }) => publisher.close()));
    }
  }

  async #openLane(sourcePartition: number, beginning: () => Promise<Position>): Promise<Lane> {
    const { events, fanOut, clock } = this.parts;
    const publisher = await fanOut.openPublisher(sourcePartition);
    const savedMs = clock.now();
    if (publisher.checkpoint !== null) {
      const { storeId, position } = publisher.checkpoint;
      if (storeId !== events.storeId) {
        throw new EventStoreError('checkpoint-foreign', `source partition ${sourcePartition} is of store ${storeId}`);
      }
      return { sourcePartition, publisher, checkpoint: position, savedMs };
    }
    const checkpoint = await beginning();
    // Says where this partition begins, before anything is published to it.
    await publisher.publish([], { storeId: events.storeId, position: checkpoint });
    return { sourcePartition, publisher, checkpoint, savedMs };
  }

  /** Where to begin a source partition that nothing was published to: far enough back to fill the gateways' windows. */
  async #beginning(): Promise<Position> {
    const { events, clock, config } = this.parts;
    return (await startingPoint(events, clock.now() - config.windowMs, config.windowEventsMax)) ?? LOG_START;
  }

  async #publish(batch: SubscriptionBatch, lanes: readonly Lane[], infos: GiftInfos): Promise<void> {
    const messages: RoomMessage[][] = lanes.map(() => []);
    for (const event of batch.events) {
      infos.evolve(event);
      const made = roomMessageOf(event, infos, this.parts.events);
      const message = made instanceof Promise ? await made : made;
      if (message === null) continue;
      messages[sourcePartitionOf(message.roomId, lanes.length)]!.push(message);
    }
    if (batch.through !== null) {
      const through: Checkpoint = { storeId: this.parts.events.storeId, position: batch.through };
      await settled(lanes.map((lane) => this.#publishLane(lane, messages[lane.sourcePartition]!, through)));
      this.#through = batch.through;
    }
    if (batch.caughtUp && !this.#caughtUp) {
      this.#caughtUp = true;
      this.#release();
    }
  }

  async #publishLane(lane: Lane, messages: readonly RoomMessage[], through: Checkpoint): Promise<void> {
    const { clock, config, telemetry } = this.parts;
    const news = messages.filter(({ position }) => position > lane.checkpoint);
    if (through.position <= lane.checkpoint) return;
    if (news.length === 0 && clock.now() - lane.savedMs < config.checkpointEveryMs) return;
    await lane.publisher.publish(news, through);
    lane.checkpoint = through.position;
    lane.savedMs = clock.now();
    telemetry.count('publisher_messages', news.length);
  }

  /** Resolves after the back-off, or at once when it is stopped meanwhile. */
  #rest(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.parts.scheduler.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Waits for all of them, so that none is under way any more when one has failed. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function isHopeless(error: unknown): boolean {
  if (error instanceof FanOutError || !(error instanceof EventStoreError)) return false;
  return error.code === 'checkpoint-foreign' || error.code === 'checkpoint-beyond-end' || error.code === 'damaged';
}
