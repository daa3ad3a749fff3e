import { FanOutError } from '@livegift/fanout';
import type { Scheduler, Telemetry } from '@livegift/kernel';
import type { Admin, Kafka } from 'kafkajs';
import { fanOutError } from './kafka-errors.js';
import { ensureTopics, type TopicNames } from './topics.js';

export interface TopicsWatchParts {
  readonly kafka: Kafka;
  readonly topics: TopicNames;
  readonly wanted: { readonly partitions: number; readonly replicationFactor: number };
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

const RETRY = { initialRetryTime: 100, retries: 1 };

/**
 * Asks Kafka how far the topic of room events reaches, over one connection that is kept, and makes topics again that were
 * deleted. Callers that come together share one question: while a broker hangs, one is under way and no more.
 */
export class TopicsWatch {
  #admin: Admin | null = null;
  #asking: Promise<number> | null = null;
  #isClosed = false;

  constructor(private readonly parts: TopicsWatchParts) {}

  /** Offsets of all partitions, added up. @throws FanOutError `unavailable`, `misconfigured` */
  end(): Promise<number> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#forget();
  }

  async #ask(): Promise<number> {
    if (this.#isClosed) throw new FanOutError('unavailable', 'the fan-out is closed');
    try {
      const admin = await this.#connected();
      await this.#makeAgain(admin);
      const offsets = await admin.fetchTopicOffsets(this.parts.topics.rooms);
      return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
    } catch (error) {
      await this.#forget();
      throw fanOutError('ask for the end of the topic', error);
    }
  }

  async #connected(): Promise<Admin> {
    if (this.#admin !== null) return this.#admin;
    const admin = this.parts.kafka.admin({ retry: RETRY });
    this.#admin = admin;
    await admin.connect();
    return admin;
  }

  async #forget(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await admin?.disconnect().catch(() => {});
  }

  /** By the list of topics: asked for one by name, some brokers would make it with settings of their own. */
  async #makeAgain(admin: Admin): Promise<void> {
    const { topics, wanted, scheduler, telemetry } = this.parts;
    const there = await admin.listTopics();
    const missing = [topics.rooms, topics.checkpoints].filter((topic) => !there.includes(topic));
    if (missing.length === 0) return;
    telemetry.error('Kafka topics were deleted; making them again', { missing, ...wanted });
    telemetry.count('fanout_topics_made_again_total', missing.length);
    const made = await ensureTopics(admin, topics, wanted, scheduler).catch((error: unknown) => {
      const { message } = fanOutError('make the topics again', error);
      throw new FanOutError(
        'unavailable',
        `topics ${missing.join(' and ')} were deleted and cannot be made again here (${message}). Make them with ` +
          `${wanted.partitions} partitions and replication factor ${wanted.replicationFactor}; ` +
          `${topics.checkpoints} with cleanup.policy=compact`,
        { cause: error },
      );
    });
    if (made.partitions === wanted.partitions) return;
    throw new FanOutError(
      'misconfigured',
      `topic ${topics.rooms} has ${made.partitions} partitions now and had ${wanted.partitions}: restart publishers and gateways`,
    );
  }
}
