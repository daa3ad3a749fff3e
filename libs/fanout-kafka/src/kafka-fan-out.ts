import { FanOutError, type FanOut, type FanOutPublisher, type FanOutSubscription } from '@livegift/fanout';
import type { Clock, Scheduler, Telemetry } from '@livegift/kernel';
import type { Kafka } from 'kafkajs';
import { adminOf, kafkaClient, type KafkaConnection, type WithAdmin } from './kafka-client.js';
import { fanOutError } from './kafka-errors.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { KafkaSubscription } from './kafka-subscription.js';
import { ProgressReader } from './progress-reader.js';
import { ensureTopics, type TopicNames, type Topics } from './topics.js';
import { TopicsWatch } from './topics-watch.js';

export const ROOM_EVENTS_TOPIC = 'livegift.room-events.v1';
export const CHECKPOINTS_TOPIC = 'livegift.publisher.checkpoints';

export interface KafkaFanOutOptions extends KafkaConnection {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Default `livegift.room-events.v1`. */
  readonly topic?: string;
  /** Default `livegift.publisher.checkpoints`. */
  readonly checkpointTopic?: string;
  /** Of topics that are made here; one that is there keeps its own. Default 12. */
  readonly partitions?: number;
  /** Of topics that are made here; with 3 or more, a write waits for two. Default 1. */
  readonly replicationFactor?: number;
}

const PARTITIONS = 12;
const REPLICATION_FACTOR = 1;

/**
 * The fan-out over Kafka. Makes the topics where they are missing; a source partition is a partition of the topic.
 * @throws FanOutError `unavailable`, `misconfigured`
 */
export async function openKafkaFanOut(options: KafkaFanOutOptions): Promise<FanOut> {
  const topics = {
    rooms: options.topic ?? ROOM_EVENTS_TOPIC,
    checkpoints: options.checkpointTopic ?? CHECKPOINTS_TOPIC,
  };
  const kafka = kafkaClient(options, options.telemetry);
  const withAdmin = adminOf(kafka);
  const { partitions = PARTITIONS, replicationFactor = REPLICATION_FACTOR } = options;
  try {
    const made = { partitions, replicationFactor };
    const there = await withAdmin((admin) => ensureTopics(admin, topics, made, options.scheduler));
    return new KafkaFanOut(options, kafka, withAdmin, topics, there);
  } catch (error) {
    throw fanOutError('look for the topics', error);
  }
}

class KafkaFanOut implements FanOut {
  readonly sourcePartitionCount: number;
  readonly #progress: ProgressReader;
  readonly #watch: TopicsWatch;
  /** Open publishers and subscriptions. */
  readonly #open = new Set<{ close(): Promise<void> }>();
  #closed = false;

  constructor(
    private readonly options: KafkaFanOutOptions,
    private readonly kafka: Kafka,
    private readonly withAdmin: WithAdmin,
    private readonly topics: TopicNames,
    private readonly there: Topics,
  ) {
    this.sourcePartitionCount = there.partitions;
    const { clientId, scheduler, telemetry, replicationFactor = REPLICATION_FACTOR } = options;
    const wanted = { partitions: there.partitions, replicationFactor };
    this.#watch = new TopicsWatch({ kafka, topics, wanted, scheduler, telemetry });
    this.#progress = new ProgressReader({ kafka, withAdmin, scheduler, topic: topics.checkpoints, clientId });
  }

  async openPublisher(sourcePartition: number): Promise<FanOutPublisher> {
    if (!Number.isInteger(sourcePartition) || sourcePartition < 0 || sourcePartition >= this.sourcePartitionCount) {
      throw new RangeError(`there is no source partition ${sourcePartition}`);
    }
    const { kafka, topics } = this;
    const { clock } = this.options;
    return this.#opened(
      KafkaPublisher.open({
        kafka,
        clock,
        topics,
        progress: this.#progress,
        sourcePartition,
        sourcePartitionCount: this.sourcePartitionCount,
        isOnOneBroker: this.there.areOnOneBroker,
        onClose: (publisher) => this.#open.delete(publisher),
      }),
    );
  }

  async subscribe({ backMs }: { readonly backMs: number }): Promise<FanOutSubscription> {
    const { kafka, withAdmin, topics } = this;
    const { clock, scheduler, telemetry, clientId } = this.options;
    return this.#opened(
      KafkaSubscription.open({
        kafka,
        withAdmin,
        scheduler,
        clock,
        telemetry,
        clientId,
        topic: topics.rooms,
        progress: this.#progress,
        backMs,
        onClose: (subscription) => this.#open.delete(subscription),
      }),
    );
  }

  end(): Promise<number> {
    return this.#watch.end();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#watch, ...this.#open].map((opened) => opened.close()));
  }

  async #opened<Part extends { close(): Promise<void> }>(opening: Promise<Part>): Promise<Part> {
    this.#assertOpen();
    try {
      const part = await opening;
      this.#open.add(part);
      if (this.#closed) await part.close();
      this.#assertOpen();
      return part;
    } catch (error) {
      throw fanOutError('open', error);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new FanOutError('unavailable', 'the fan-out is closed');
  }
}
