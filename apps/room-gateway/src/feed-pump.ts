import type { FanOut, FanOutSubscription } from '@livegift/fanout';
import { CuttablePause, FailureLog, type Position, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { RoomFeed } from '@livegift/room-feed';
import type { ConsumerReport } from '@livegift/subscriptions';

export interface FeedPumpParts {
  readonly fanOut: FanOut;
  readonly feed: RoomFeed;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: { readonly backMs: number; readonly backOffMs: number; readonly backOffMsMax: number };
}

/** A number on the scale of `FanOut.end`, as positions are compared. */
export const placeInFanOut = (reached: number): Position => String(Math.max(0, reached)).padStart(16, '0') as Position;

/** Pulls the fan-out's messages into the feed; when the fan-out is away, it waits and subscribes again. Starts once. */
export class FeedPump {
  #started = false;
  #stopped = false;
  #run: Promise<void> = Promise.resolve();
  #subscription: FanOutSubscription | null = null;
  #caughtUp = false;
  #reached: number | null = null;
  #failing: string | null = null;
  readonly #failures: FailureLog;
  #waiting: (() => void)[] = [];
  readonly #backOff: CuttablePause;

  constructor(private readonly parts: FeedPumpParts) {
    this.#backOff = new CuttablePause(parts.scheduler);
    this.#failures = new FailureLog(parts.telemetry);
  }

  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** For its `ConsumerWatch`. */
  report(): ConsumerReport {
    const reached = this.#subscription?.reached() ?? this.#reached;
    return {
      activity: this.#stopped ? 'stopped' : this.#started ? 'working' : 'starting',
      position: reached === null ? null : placeInFanOut(reached),
      recordedAtMs: null,
      failing: this.#failing,
    };
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#run = this.#keepRunning();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#backOff.cut();
    this.#caughtUp = false;
    this.#release();
    await this.#subscription?.close();
    await this.#run;
  }

  /** Resolves when the feed has caught up, perhaps after a start that is still to come, or was stopped. */
  async whenCaughtUp(): Promise<void> {
    if (this.#caughtUp || this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async #keepRunning(): Promise<void> {
    const { config, telemetry } = this.parts;
    let backOffMs = config.backOffMs;
    while (!this.#stopped) {
      try {
        await this.#runOnce(() => {
          backOffMs = config.backOffMs;
        });
      } catch (error) {
        telemetry.count('room_feed_restarts_total');
        this.#failing = error instanceof Error ? error.message : String(error);
        this.#failures.failed('room-feed: failed; subscribes again', { reason: this.#failing, backOffMs });
      }
      this.#caughtUp = false;
      if (this.#stopped) return;
      await this.#backOff.for(backOffMs);
      backOffMs = Math.min(backOffMs * 2, config.backOffMsMax);
    }
  }

  async #runOnce(delivered: () => void): Promise<void> {
    const { fanOut, feed, config } = this.parts;
    feed.replay();
    const subscription = await fanOut.subscribe({ backMs: config.backMs });
    this.#subscription = subscription;
    try {
      for (;;) {
        const delivery = await subscription.next();
        if (delivery === null || this.#stopped) return;
        feed.accept(delivery);
        this.#failing = null;
        this.#failures.recovered('room-feed: reads the fan-out again');
        delivered();
        if (delivery.caughtUp && !this.#caughtUp) {
          this.#caughtUp = true;
          this.#release();
        }
      }
    } finally {
      this.#reached = subscription.reached();
      this.#subscription = null;
      await subscription.close();
    }
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
