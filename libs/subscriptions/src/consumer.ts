import { EventStoreError, type EventReader, type Subscription, type SubscriptionBatch } from '@livegift/event-store';
import {
  CuttablePause,
  FailureLog,
  type Checkpoint,
  type Position,
  type Scheduler,
  type Telemetry,
} from '@livegift/kernel';
import { BACKOFF_DEFAULT, backoffDelayMs, type Backoff } from './backoff.js';
import type { ConsumerReport } from './consumer-report.js';

export interface ConsumerParts {
  /** For logs and metrics: `settlement`, `projector`, … */
  readonly name: string;
  readonly store: Pick<EventReader, 'storeId' | 'subscribe'>;
  /** Only events of these types; default all. */
  readonly types?: readonly string[];
  readonly batchEventsMax?: number;
  /**
   * Where to begin. A function is asked before every subscription, also the ones after a failure: for a consumer whose
   * checkpoint may move by other hands. A value is where it begins; after a failure it goes on from what was completed.
   */
  readonly start: Checkpoint | null | (() => Promise<Checkpoint | null>);
  /**
   * So many milliseconds after a batch that reached the end of the log the next one is taken, and what comes meanwhile goes
   * into it: for a handler to whom a batch costs much, whatever is in it. Default 0: at once.
   */
  readonly pauseMs?: number;
  /** One batch at a time, in order. What it throws is a failure: the same events come again after a delay. */
  readonly handle: (batch: SubscriptionBatch) => Promise<void>;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly backoff?: Backoff;
}

export interface ConsumerState {
  /** Through where events were handled; null before any. */
  readonly position: Position | null;
  /** The last batch handled reached what was then the end of the log. */
  readonly caughtUp: boolean;
  /** Why it makes no headway just now; null while it does. */
  readonly failing: string | null;
  /** It has stopped for good: its checkpoint is of another store, or beyond the end of this one. Rebuild. */
  readonly needsRebuild: boolean;
}

export interface Consumer {
  state(): ConsumerState;
  /** For its `ConsumerWatch`. */
  report(): ConsumerReport;
  /** Resolves, never rejects, when it has stopped, by `stop` or because it needs a rebuild. */
  readonly stopped: Promise<void>;
  /** Lets the batch in hand finish. Resolves with `stopped`. */
  stop(): Promise<void>;
}

/**
 * Reads the log from a checkpoint and hands it over batch by batch, for ever: after a failure of the store or of the
 * handler it waits, longer each time, and subscribes again from what was completed. So a handler sees events at least
 * once and in order, and none is left out.
 */
export function runConsumer(parts: ConsumerParts): Consumer {
  return new RunningConsumer(parts);
}

const REBUILD_CODES: ReadonlySet<string> = new Set(['checkpoint-foreign', 'checkpoint-beyond-end']);

class RunningConsumer implements Consumer {
  readonly stopped: Promise<void>;
  #completed: Checkpoint | null;
  #caughtUp = false;
  #failing: string | null = null;
  #needsRebuild = false;
  #stopping = false;
  #subscription: Subscription | null = null;
  readonly #pause: CuttablePause;
  /** Of the newest event that was handled. */
  #recordedAt: string | null = null;
  readonly #failures: FailureLog;

  constructor(private readonly parts: ConsumerParts) {
    this.#completed = typeof parts.start === 'function' ? null : parts.start;
    this.#pause = new CuttablePause(parts.scheduler);
    this.#failures = new FailureLog(parts.telemetry);
    this.stopped = this.#run();
  }

  state(): ConsumerState {
    return {
      position: this.#completed?.position ?? null,
      caughtUp: this.#caughtUp,
      failing: this.#failing,
      needsRebuild: this.#needsRebuild,
    };
  }

  report(): ConsumerReport {
    return {
      activity: this.#needsRebuild ? 'refused' : this.#stopping ? 'stopped' : 'working',
      position: this.#completed?.position ?? null,
      recordedAtMs: this.#recordedAt === null ? null : Date.parse(this.#recordedAt),
      failing: this.#failing,
    };
  }

  stop(): Promise<void> {
    this.#stopping = true;
    this.#subscription?.close();
    this.#pause.cut();
    return this.stopped;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#consume();
      } catch (error) {
        if (this.#stopping || this.#isFatal(error)) return;
        await this.#backOff(error);
      }
    }
  }

  /** One subscription, from the checkpoint until it breaks (throws) or the consumer is stopped (returns). */
  async #consume(): Promise<void> {
    const { start, store, types, batchEventsMax, pauseMs = 0 } = this.parts;
    if (typeof start === 'function') this.#completed = await start();
    if (this.#stopping) return;
    const subscription = await store.subscribe({ after: this.#completed, types, batchEventsMax });
    this.#subscription = subscription;
    try {
      while (!this.#stopping) {
        const batch = await subscription.next();
        if (batch === null || this.#stopping) break;
        await this.parts.handle(batch);
        this.#complete(batch);
        if (batch.caughtUp) await this.#pauseFor(pauseMs);
      }
    } finally {
      this.#subscription = null;
      subscription.close();
    }
    if (!this.#stopping) throw new EventStoreError('unavailable', 'the subscription ended');
  }

  async #pauseFor(ms: number): Promise<void> {
    if (ms > 0 && !this.#stopping) await this.#pause.for(ms);
  }

  #complete(batch: SubscriptionBatch): void {
    if (batch.through !== null) this.#completed = { storeId: this.parts.store.storeId, position: batch.through };
    this.#recordedAt = batch.events.at(-1)?.metadata.recordedAt ?? this.#recordedAt;
    this.#caughtUp = batch.caughtUp;
    this.#failing = null;
    this.#failures.recovered(`${this.parts.name}: works again`);
  }

  #isFatal(error: unknown): boolean {
    if (!(error instanceof EventStoreError) || !REBUILD_CODES.has(error.code)) return false;
    this.#needsRebuild = true;
    this.#caughtUp = false;
    this.#failing = error.message;
    this.parts.telemetry.count('consumer_refusals_total', 1, { consumer: this.parts.name });
    this.parts.telemetry.error(`${this.parts.name}: its checkpoint does not fit this event store, rebuild it`, {
      code: error.code,
      reason: error.message,
    });
    return true;
  }

  async #backOff(error: unknown): Promise<void> {
    this.#caughtUp = false;
    this.#failing = error instanceof Error ? error.message : String(error);
    const delayMs = backoffDelayMs(this.parts.backoff ?? BACKOFF_DEFAULT, this.#failures.failures);
    this.parts.telemetry.count('consumer_failures_total', 1, { consumer: this.parts.name });
    this.#failures.failed(`${this.parts.name}: failed; retries`, { reason: this.#failing, delayMs });
    await this.#pauseFor(delayMs);
  }
}
