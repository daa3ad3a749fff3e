import type { EventStore, SubscriptionBatch } from '@livegift/event-store';
import {
  instant,
  type Checkpoint,
  type Clocks,
  type Ids,
  type Position,
  type Scheduler,
  type Telemetry,
} from '@livegift/kernel';
import { allOfTheWork, type SharedWork } from '@livegift/lease';
import {
  runConsumer,
  type Backoff,
  type Consumer,
  type ConsumerReport,
  type ConsumerState,
} from '@livegift/subscriptions';
import { CreatorCredits, type RecordedGift } from './creator-credits.js';

export interface SettlementParts {
  readonly store: EventStore;
  readonly clock: Clocks;
  readonly ids: Ids;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Its one part says whether this process settles now or stands by; started and stopped with it. Default: it settles. */
  readonly work?: SharedWork;
  readonly options?: Partial<SettlementOptions>;
}

export interface SettlementOptions {
  /** Gifts taken from the log at once. */
  readonly batchEventsMax: number;
  /** After a batch at the end of the log, so long none is taken: an append costs about the same whatever is in it. */
  readonly pauseMs: number;
  /** Creators credited at the same time. */
  readonly creatorsInFlightMax: number;
  /** Creators whose state is kept between batches. */
  readonly creatorsCachedMax: number;
  readonly conflictRetriesMax: number;
  /** The global checkpoint is saved when either is reached. */
  readonly checkpointEveryGifts: number;
  readonly checkpointEveryMs: number;
  readonly backoff?: Backoff;
}

export const SETTLEMENT_DEFAULTS: SettlementOptions = {
  batchEventsMax: 2_000,
  pauseMs: 0,
  creatorsInFlightMax: 512,
  creatorsCachedMax: 50_000,
  conflictRetriesMax: 10,
  checkpointEveryGifts: 20_000,
  checkpointEveryMs: 1_000,
};

const CONSUMER = 'settlement';
/** Settlement is one piece of work: creators are too many to share them out. */
const THE_WORK = 0;

/** Without a gift the checkpoint is saved only this seldom: in some stores saving it is an event, which wakes us again. */
const BATCHES_WITHOUT_GIFT_MAX = 1_000;

/**
 * Turns gifts into diamonds: reads every GiftSent in the order of the log and appends its DiamondsCredited to the
 * creator's stream, each exactly once (see `CreatorCredits`). The checkpoint of the whole lags behind what is credited
 * and only saves time. Of several, one settles and the others stand by; by mistake any number may settle at once, of which
 * one wins at each creator's stream.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #credits: CreatorCredits;
  readonly #work: SharedWork;
  #isStarted = false;
  #consumer: Consumer | null = null;
  /** Taking the work and giving it up, one after the other. */
  #turns: Promise<void> = Promise.resolve();
  /** Everything at or before it is credited. */
  #credited: Position | null = null;
  #saved: Position | null = null;
  #savedAtMs: number;
  #giftsSinceSaved = 0;
  #batchesSinceSaved = 0;

  constructor(private readonly parts: SettlementParts) {
    this.#options = { ...SETTLEMENT_DEFAULTS, ...parts.options };
    this.#credits = new CreatorCredits({ ...parts, ...this.#options });
    this.#work = parts.work ?? allOfTheWork(1);
    this.#savedAtMs = parts.clock.elapsedMs();
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#work.onChange(() => void this.#takeTurn());
    this.#work.start();
    void this.#takeTurn();
  }

  /** Finishes the batch in hand and saves the checkpoint. */
  async stop(): Promise<void> {
    if (!this.#isStarted) return;
    this.#isStarted = false;
    await this.#takeTurn();
    await this.#work.stop();
  }

  #takeTurn(): Promise<void> {
    const isOurs = this.#isStarted && this.#work.parts().has(THE_WORK);
    if (isOurs) {
      this.#turns = this.#turns.then(() => {
        this.#consumer ??= this.#consume();
      });
      return this.#turns;
    }
    // At once, so that a batch that cannot be settled is not waited for.
    const stopping = this.#consumer?.stop();
    this.#turns = this.#turns.then(() => stopping).then(() => this.#leave());
    return this.#turns;
  }

  #consume(): Consumer {
    // Taken up again, it begins from what is stored: another process may have gone on.
    this.#credited = null;
    return runConsumer({
      name: CONSUMER,
      store: this.parts.store,
      types: ['GiftSent'],
      batchEventsMax: this.#options.batchEventsMax,
      pauseMs: this.#options.pauseMs,
      start: () => this.#checkpoint(),
      handle: (batch) => this.#settle(batch),
      scheduler: this.parts.scheduler,
      telemetry: this.parts.telemetry,
      backoff: this.#options.backoff,
    });
  }

  async #leave(): Promise<void> {
    if (this.#consumer === null) return;
    await this.#consumer.stop();
    await this.#saveCheckpoint();
    this.#consumer = null;
  }

  /** For health and metrics. `position`: every gift at or before it is credited. */
  state(): ConsumerState {
    return this.#consumer?.state() ?? { position: this.#credited, caughtUp: false, failing: null, needsRebuild: false };
  }

  /** For its `ConsumerWatch`. */
  report(): ConsumerReport {
    if (this.#consumer !== null) return this.#consumer.report();
    const activity = this.#work.isAgreed() ? 'standing-by' : 'starting';
    return { activity, position: this.#credited, recordedAtMs: null, failing: null };
  }

  async #checkpoint(): Promise<Checkpoint | null> {
    if (this.#credited !== null) return { storeId: this.parts.store.storeId, position: this.#credited };
    const stored = await this.parts.store.loadCheckpoint(CONSUMER);
    this.#saved = stored?.position ?? null;
    return stored;
  }

  async #settle(batch: SubscriptionBatch): Promise<void> {
    if (batch.events.length > 0) await this.#creditAll(byCreator(batch.events as readonly RecordedGift[]));
    this.#credited = batch.through;
    this.#giftsSinceSaved += batch.events.length;
    this.#batchesSinceSaved++;
    if (this.#isTimeToSave()) await this.#saveCheckpoint();
  }

  /** Creators side by side. After a failure nothing new is begun, and what is under way ends first. */
  async #creditAll(gifts: ReadonlyMap<string, readonly RecordedGift[]>): Promise<void> {
    const waiting = gifts.entries();
    const recordedAt = instant(this.parts.clock.now());
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const [creatorId, ofCreator] of waiting) {
        if (failures.length > 0) return;
        try {
          await this.#credits.credit(creatorId, ofCreator, recordedAt);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const workers = Math.min(this.#options.creatorsInFlightMax, gifts.size);
    await Promise.all(Array.from({ length: workers }, work));
    if (failures.length > 0) throw failures[0];
  }

  #isTimeToSave(): boolean {
    if (this.#giftsSinceSaved === 0) return this.#batchesSinceSaved >= BATCHES_WITHOUT_GIFT_MAX;
    if (this.#giftsSinceSaved >= this.#options.checkpointEveryGifts) return true;
    return this.parts.clock.elapsedMs() - this.#savedAtMs >= this.#options.checkpointEveryMs;
  }

  /** Losing one costs time, so that a failure to save is no failure to settle. */
  async #saveCheckpoint(): Promise<void> {
    const position = this.#credited;
    if (position === null || position === this.#saved) return;
    this.#giftsSinceSaved = 0;
    this.#batchesSinceSaved = 0;
    this.#savedAtMs = this.parts.clock.elapsedMs();
    try {
      await this.parts.store.saveCheckpoint(CONSUMER, position);
      this.#saved = position;
    } catch (error) {
      this.parts.telemetry.warn('settlement: its checkpoint could not be saved', { reason: String(error) });
    }
  }
}

function byCreator(gifts: readonly RecordedGift[]): ReadonlyMap<string, readonly RecordedGift[]> {
  const grouped = new Map<string, RecordedGift[]>();
  for (const gift of gifts) {
    const { creatorId } = gift.data;
    const ofCreator = grouped.get(creatorId);
    if (ofCreator === undefined) grouped.set(creatorId, [gift]);
    else ofCreator.push(gift);
  }
  return grouped;
}
