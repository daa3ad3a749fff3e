import { EventStoreError, type Ancestry } from '@livegift/event-store';
import type { FanOutPublisher, RoomMessage } from '@livegift/fanout';
import {
  CuttablePause,
  isSameStore,
  type Clocks,
  type Position,
  type Scheduler,
  type Telemetry,
} from '@livegift/kernel';
import type { PublisherConfig } from './publisher.config.js';

export interface LaneParts {
  readonly sourcePartition: number;
  readonly publisher: FanOutPublisher;
  readonly storeId: string;
  /** How far this source partition was published. */
  readonly checkpoint: Position;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: Pick<
    PublisherConfig,
    'transactionMessagesMax' | 'transactionEveryMs' | 'transactionBusyMax' | 'checkpointEveryMs'
  >;
  /** It publishes no more: close it, and go on from the checkpoint with another. */
  onFailure(lane: Lane, error: unknown): void;
}

/** With so many messages a transaction costs little beside them. */
const PLENTY = 100;

/**
 * One source partition: takes what the log has for it, and publishes it at its own pace. What gathers while one
 * transaction is under way becomes the next.
 */
export class Lane {
  #queue: RoomMessage[] = [];
  /** Everything of this partition up to here is published or in the queue. */
  #taken: Position;
  #published: Position;
  #savedMs: number;
  #work: Promise<void> | null = null;
  /** When the last transaction began; none has yet. */
  #begunMs = -Infinity;
  #tookMs = 0;
  readonly #gathering: CuttablePause;
  /** Failed or closed: what waited is left to whoever comes next, so no checkpoint may pass it. */
  #over = false;

  constructor(private readonly parts: LaneParts) {
    this.#taken = parts.checkpoint;
    this.#published = parts.checkpoint;
    this.#savedMs = parts.clock.elapsedMs();
    this.#gathering = new CuttablePause(parts.scheduler);
  }

  /**
   * Opens the source partition's publisher, which fences the one before, and goes on from its checkpoint; after a restore
   * from where the history begins, if the checkpoint of the history before is not earlier still.
   * @throws FanOutError, EventStoreError `checkpoint-foreign`
   */
  static async open(
    parts: Omit<LaneParts, 'publisher' | 'checkpoint'>,
    openPublisher: () => Promise<FanOutPublisher>,
    beginning: () => Promise<Position>,
    ancestry: () => Promise<Ancestry | null>,
  ): Promise<Lane> {
    const { storeId, sourcePartition } = parts;
    const publisher = await openPublisher();
    try {
      if (publisher.checkpoint === null) {
        const checkpoint = await beginning();
        // Says where this partition begins, before anything is published to it.
        await publisher.publish([], { storeId, position: checkpoint });
        return new Lane({ ...parts, publisher, checkpoint });
      }
      const { storeId: foreign, position: checkpoint } = publisher.checkpoint;
      if (foreign === storeId) return new Lane({ ...parts, publisher, checkpoint });
      const restored = isSameStore(foreign, storeId) ? await ancestry() : null;
      const leftAt = restored?.leftAt.get(foreign);
      if (leftAt !== undefined) {
        const from = checkpoint < leftAt ? checkpoint : leftAt;
        parts.telemetry.info('publisher: goes on after a restore', { sourcePartition, from });
        await publisher.publish([], { storeId, position: from });
        return new Lane({ ...parts, publisher, checkpoint: from });
      }
      throw new EventStoreError('checkpoint-foreign', `source partition ${sourcePartition} is of store ${foreign}`);
    } catch (error) {
      await publisher.close();
      throw error;
    }
  }

  get sourcePartition(): number {
    return this.parts.sourcePartition;
  }

  /** The log need not be read again up to here for this lane. */
  get taken(): Position {
    return this.#taken;
  }

  get published(): Position {
    return this.#published;
  }

  /** Everything of this partition up to here is published; while nothing waits, that is all that was taken. */
  get done(): Position {
    return this.#work === null && this.#queue.length === 0 ? this.#taken : this.#published;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get isBusy(): boolean {
    return this.#work !== null;
  }

  /** Resolves when the transaction under way is over; at once when there is none. */
  get turn(): Promise<void> {
    return this.#work ?? Promise.resolve();
  }

  /** Messages of this partition's rooms, in order of position, and how far the log was read for them. */
  take(messages: readonly RoomMessage[], through: Position): void {
    if (this.#over || through <= this.#taken) return;
    for (const message of messages) if (message.position > this.#taken) this.#queue.push(message);
    this.#taken = through;
    if (this.#hasPlenty) this.#gathering.cut();
    this.#startWork();
  }

  /** Resolves when the transaction under way is over. */
  async close(): Promise<void> {
    this.#end();
    await this.turn;
    await this.parts.publisher.close();
  }

  #end(): void {
    this.#over = true;
    this.#queue = [];
    this.#gathering.cut();
  }

  #startWork(): void {
    if (this.#work !== null || this.#over || !this.#isDue()) return;
    this.#work = this.#publish().then(
      () => {
        this.#work = null;
        this.#startWork();
      },
      (error: unknown) => {
        this.#work = null;
        this.#end();
        this.parts.onFailure(this, error);
      },
    );
  }

  #isDue(): boolean {
    const { clock, config } = this.parts;
    if (this.#queue.length > 0) return true;
    return this.#taken > this.#published && clock.elapsedMs() - this.#savedMs >= config.checkpointEveryMs;
  }

  get #hasPlenty(): boolean {
    return this.#queue.length >= Math.min(PLENTY, this.parts.config.transactionMessagesMax);
  }

  /** A transaction costs about the same whatever is in it: the next one waits for company. */
  async #gather(): Promise<void> {
    const { clock, config } = this.parts;
    const apartMs = Math.max(config.transactionEveryMs, this.#tookMs / config.transactionBusyMax);
    const waitMs = this.#begunMs + apartMs - clock.elapsedMs();
    if (waitMs > 0 && !this.#hasPlenty) await this.#gathering.for(waitMs);
    this.#begunMs = clock.elapsedMs();
  }

  async #publish(): Promise<void> {
    const { publisher, storeId, clock, config, telemetry } = this.parts;
    await this.#gather();
    if (this.#over) return;
    const messages = this.#queue.slice(0, config.transactionMessagesMax);
    this.#queue = this.#queue.slice(messages.length);
    const through = this.#queue.length === 0 ? this.#taken : messages.at(-1)!.position;
    await publisher.publish(messages, { storeId, position: through });
    this.#published = through;
    this.#savedMs = clock.elapsedMs();
    this.#tookMs = this.#savedMs - this.#begunMs;
    const oldest = messages[0];
    if (oldest !== undefined) {
      const delayMs = Math.max(0, clock.now() - Date.parse(oldest.occurredAt));
      telemetry.observe('publication_delay_seconds', delayMs / 1_000);
    }
    telemetry.count('publisher_transactions_total');
    telemetry.count('publisher_messages_total', messages.length);
  }
}
