import type { ClaimEvent, CoinsPurchased, PaymentReleased } from '@livegift/domain';
import { IMPORT_PROVIDER } from '@livegift/domain';
import type { EventStore, SubscriptionBatch } from '@livegift/event-store';
import type { Cancellable, MonotonicClock, Position, RecordedEvent, Scheduler, Telemetry } from '@livegift/kernel';
import { runConsumer, type Consumer, type ConsumerReport } from '@livegift/subscriptions';
import type { History } from '../history/history.js';
import type { Purchases } from './purchases.js';

export interface FinisherOptions {
  readonly finisherDelayMs: number;
  readonly finisherPendingMax: number;
}

export interface FinisherParts {
  readonly store: EventStore;
  readonly clock: MonotonicClock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly purchases: Purchases;
  readonly history: History;
  readonly options: FinisherOptions;
}

type RecordedClaim = RecordedEvent & ClaimEvent;

interface PendingClaim {
  readonly claim: RecordedClaim;
  /** The last position before it that the subscription has seen; null for none. */
  readonly before: Position | null;
  readonly seenAtMs: number;
}

const FINISHER = 'finisher';
const TYPES = ['PaymentClaimed', 'PaymentReleased', 'HistoryClaimed', 'CoinsPurchased'] as const;

const NOT_STARTED: ConsumerReport = { activity: 'starting', position: null, recordedAtMs: null, failing: null };

/**
 * Finishes what was claimed by a process that died: follows claims and the coins that they became, and completes each
 * claim that stays without for longer than `finisherDelayMs`. Its checkpoint never passes a claim that is not finished.
 * Two finishers at once do no harm: the wallet's expected revision lets one win, and the other finds it done.
 */
export class Finisher {
  /** In order of position. */
  readonly #pending = new Map<string, PendingClaim>();
  readonly #parts: FinisherParts;
  #through: Position | null = null;
  #saved: Position | null = null;
  #consumer: Consumer | null = null;
  #timer: Cancellable | null = null;
  #sweeping: Promise<void> = Promise.resolve();
  #fromStart = false;
  /** Why the last sweep left claims unfinished that were due. */
  #stuck: string | null = null;
  #stopping = false;

  constructor(parts: FinisherParts) {
    this.#parts = parts;
  }

  /** Claims that have no coins yet, as far as this process has read. */
  get pending(): number {
    return this.#pending.size;
  }

  /** For its `ConsumerWatch`. Claims that cannot be finished are what it has not got past. */
  report(): ConsumerReport {
    const report = this.#consumer?.report() ?? NOT_STARTED;
    if (this.#stuck === null) return report;
    const oldest = this.#pending.values().next().value;
    return { ...report, position: oldest?.before ?? null, failing: this.#stuck };
  }

  start(): void {
    const { store, scheduler, telemetry } = this.#parts;
    if (this.#consumer !== null || this.#stopping) return;
    const consumer = runConsumer({
      name: FINISHER,
      store,
      types: TYPES,
      start: async () => {
        const checkpoint = this.#fromStart ? null : await store.loadCheckpoint(FINISHER);
        this.#pending.clear();
        this.#through = checkpoint?.position ?? null;
        this.#saved = this.#through;
        return checkpoint;
      },
      handle: (batch) => this.#handle(batch),
      scheduler,
      telemetry,
    });
    this.#consumer = consumer;
    void consumer.stopped.then(() => this.#restartFromStart(consumer));
    this.#armTimer();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    await this.#consumer?.stop();
    await this.#sweeping;
  }

  /** A checkpoint that does not fit this log: everything is looked at again, which changes nothing that is done. */
  #restartFromStart(consumer: Consumer): void {
    if (this.#stopping || !consumer.state().needsRebuild || this.#fromStart) return;
    this.#fromStart = true;
    this.#consumer = null;
    this.start();
  }

  async #handle(batch: SubscriptionBatch): Promise<void> {
    const seenAtMs = this.#parts.clock.elapsedMs();
    let before = this.#through;
    for (const event of batch.events) {
      if (event.type === 'CoinsPurchased' || event.type === 'PaymentReleased') {
        const { provider, paymentId } = (event as unknown as CoinsPurchased | PaymentReleased).data;
        this.#pending.delete(claimKey(provider, paymentId));
      } else {
        const claim = event as unknown as RecordedClaim;
        this.#pending.set(keyOf(claim), { claim, before, seenAtMs });
        await this.#makeRoom();
      }
      before = event.position;
    }
    this.#through = batch.through;
  }

  /** Beyond the bound the oldest is finished at once: early, which does no harm. */
  async #makeRoom(): Promise<void> {
    while (this.#pending.size > this.#parts.options.finisherPendingMax) {
      const [key, oldest] = this.#pending.entries().next().value!;
      await this.#finish(oldest.claim);
      this.#pending.delete(key);
    }
  }

  #armTimer(): void {
    const { scheduler, options } = this.#parts;
    if (this.#stopping) return;
    this.#timer?.cancel();
    this.#timer = scheduler.after(Math.ceil(options.finisherDelayMs / 2), () => {
      this.#sweeping = this.#sweep().then(() => this.#armTimer());
    });
  }

  /** One after the other, in order: a line of history that fails is not overtaken by those behind it in its request. */
  async #sweep(): Promise<void> {
    const { clock, telemetry, options } = this.#parts;
    const dueBeforeMs = clock.elapsedMs() - options.finisherDelayMs;
    const stuck = new Set<string>();
    let why: string | null = null;
    for (const [key, pending] of Array.from(this.#pending)) {
      const request = pending.claim.metadata.$correlationId;
      if (this.#stopping) return;
      if (pending.seenAtMs > dueBeforeMs || this.#pending.get(key) !== pending || stuck.has(request)) continue;
      try {
        await this.#finish(pending.claim);
        if (this.#pending.get(key) === pending) this.#pending.delete(key);
      } catch (failure) {
        if (pending.claim.type === 'HistoryClaimed') stuck.add(request);
        why = failure instanceof Error ? failure.message : String(failure);
        telemetry.count('finisher_failures_total');
        telemetry.warn('a claim could not be finished, trying again', { key, failure: String(failure) });
      }
    }
    this.#stuck = why;
    await this.#saveCheckpoint();
    telemetry.gauge('finisher_pending', this.#pending.size);
  }

  async #finish(claim: RecordedClaim): Promise<void> {
    const { purchases, history, telemetry } = this.#parts;
    const { $correlationId } = claim.metadata;
    if (claim.type === 'PaymentClaimed') await purchases.finish(claim, $correlationId);
    else await history.finish(claim.data, $correlationId);
    telemetry.count('finisher_finished_total');
  }

  async #saveCheckpoint(): Promise<void> {
    const oldest = this.#pending.values().next().value;
    const position = oldest === undefined ? this.#through : oldest.before;
    if (position === null || (this.#saved !== null && position <= this.#saved)) return;
    try {
      await this.#parts.store.saveCheckpoint(FINISHER, position);
      this.#saved = position;
      this.#fromStart = false;
    } catch (failure) {
      this.#parts.telemetry.warn('the finisher could not save its checkpoint', { failure: String(failure) });
    }
  }
}

function keyOf(claim: RecordedClaim): string {
  if (claim.type === 'HistoryClaimed') return claimKey(IMPORT_PROVIDER, claim.data.importId);
  return claimKey(claim.data.provider, claim.data.paymentId);
}

function claimKey(provider: string, paymentId: string): string {
  return `${provider}/${paymentId}`;
}
