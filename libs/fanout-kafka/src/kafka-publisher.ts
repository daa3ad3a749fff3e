import { FanOutError, type FanOutPublisher, type RoomMessage } from '@livegift/fanout';
import type { Checkpoint, Clock, Position } from '@livegift/kernel';
import { Partitioners, type Kafka, type Message, type Producer, type TopicMessages, type Transaction } from 'kafkajs';
import { fanOutError } from './kafka-errors.js';
import { progressMessage, type Progress } from './progress-record.js';
import type { ProgressReader } from './progress-reader.js';
import { RoomRecords } from './room-record.js';
import type { TopicNames } from './topics.js';

export interface KafkaPublisherParts {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly topics: TopicNames;
  readonly progress: ProgressReader;
  readonly sourcePartition: number;
  readonly sourcePartitionCount: number;
  /** Both topics are on one broker alone. */
  readonly isOnOneBroker: boolean;
  /** Called once, when it is closed. */
  onClose(publisher: KafkaPublisher): void;
}

/** Of one request, so of one record batch: the broker takes 1 MiB, and a record is a fifth longer than its body. */
const REQUEST_BYTES_MAX = 600 * 1024;
const REQUEST_MESSAGES_MAX = 2_000;
/** Headers and the frame around them, in characters. */
const RECORD_EXTRA_BYTES = 320;
/** After so long the broker aborts what a publisher that died left open; until then nobody reads past it. */
const TRANSACTION_MS_MAX = 60_000;

/**
 * A transaction begun right after a commit is refused while the broker still writes its markers: asked again soon, since
 * kafkajs's own 300 ms would be a publisher's whole day.
 */
const RETRY = { initialRetryTime: 3, factor: 0, multiplier: 1.2, maxRetryTime: 100, retries: 40 };

/** One source partition's transactional producer: messages and checkpoint are one transaction. */
export class KafkaPublisher implements FanOutPublisher {
  readonly #records: RoomRecords;
  #progress: Progress | null;
  #working: Promise<void> = Promise.resolve();
  #ended: FanOutError | null = null;
  #closing: Promise<void> | null = null;

  private constructor(
    private readonly parts: KafkaPublisherParts,
    private readonly producer: Producer,
    progress: Progress | null,
  ) {
    this.#records = new RoomRecords(parts.sourcePartition);
    this.#progress = progress;
  }

  /** In this order: whoever was before is fenced, so that the checkpoint that is read then is the last one. */
  static async open(parts: KafkaPublisherParts): Promise<KafkaPublisher> {
    const { kafka, topics, sourcePartition, progress } = parts;
    const producer = kafka.producer({
      transactionalId: `${topics.rooms}.${sourcePartition}`,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_MS_MAX,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    try {
      await producer.connect();
      const fencing = await producer.transaction();
      await fencing.abort();
      const known = await progress.read();
      return new KafkaPublisher(parts, producer, known.get(sourcePartition) ?? null);
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw fanOutError(`open the publisher of source partition ${sourcePartition}`, error);
    }
  }

  get checkpoint(): Checkpoint | null {
    return this.#progress?.checkpoint ?? null;
  }

  async publish(messages: readonly RoomMessage[], checkpoint: Checkpoint): Promise<void> {
    const before = this.#working;
    const publishing = before.then(() => this.#publish(messages, checkpoint));
    this.#working = publishing.catch(() => {});
    return publishing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#working;
    this.#ended ??= new FanOutError('unavailable', 'this publisher is closed');
    await this.producer.disconnect().catch(() => {});
    this.parts.onClose(this);
  }

  async #publish(messages: readonly RoomMessage[], checkpoint: Checkpoint): Promise<void> {
    if (this.#closing !== null) throw new FanOutError('unavailable', 'this publisher is closed');
    if (this.#ended !== null) throw this.#ended;
    const { sourcePartition } = this.parts;
    const begins = this.#progress === null && messages.length === 0;
    const publishedAtMs = this.parts.clock.now();
    const newest = begins ? checkpoint.position : (messages.at(-1)?.position ?? this.#progress?.newest ?? null);
    const newestAtMs = messages.length > 0 ? publishedAtMs : (this.#progress?.newestAtMs ?? null);
    const progress = { checkpoint, newest, newestAtMs };
    let transaction: Transaction | null = null;
    try {
      transaction = await this.producer.transaction();
      for (const request of this.#requests(messages, progress, publishedAtMs)) {
        await this.#send(transaction, request);
      }
      await transaction.commit();
      this.#progress = progress;
    } catch (error) {
      // Whether it was committed is not known, and a producer that has failed once cannot be trusted: give it up.
      this.#ended = fanOutError(`publish to source partition ${sourcePartition}`, error);
      if (this.#ended.code !== 'fenced' && transaction?.isActive()) await transaction.abort().catch(() => {});
      throw this.#ended;
    }
  }

  /**
   * One request for both topics saves two round trips. One that goes to two brokers, of which one refuses (also because
   * the transaction before is not over yet), is not safe with kafkajs: what the other has not answered yet it sends again,
   * so that it is written twice; and it leaves out what has moved to one that has answered, so that a checkpoint would be
   * committed without its messages. So each topic has its own then, at the same time. All are waited for, since nothing
   * may be on its way when a transaction is ended.
   */
  async #send(transaction: Transaction, request: readonly TopicMessages[]): Promise<void> {
    const requests = this.parts.isOnOneBroker ? [request] : request.map((topic) => [topic]);
    const sending = requests.map((topics) => transaction.sendBatch({ topicMessages: [...topics], acks: -1 }));
    for (const sent of await Promise.allSettled(sending)) if (sent.status === 'rejected') throw sent.reason;
  }

  /** Within the broker's bounds; the last one carries the checkpoint. */
  *#requests(
    messages: readonly RoomMessage[],
    progress: Progress,
    publishedAtMs: number,
  ): Generator<readonly TopicMessages[]> {
    const { sourcePartition, sourcePartitionCount } = this.parts;
    const { rooms, checkpoints } = this.parts.topics;
    const timestamp = String(publishedAtMs);
    let previous: Position | null = this.#progress?.newest ?? null;
    let batch: Message[] = [];
    let bytes = 0;
    for (const message of messages) {
      const size = Buffer.byteLength(message.body) + RECORD_EXTRA_BYTES;
      if (batch.length >= REQUEST_MESSAGES_MAX || (batch.length > 0 && bytes + size > REQUEST_BYTES_MAX)) {
        yield [{ topic: rooms, messages: batch }];
        batch = [];
        bytes = 0;
      }
      batch.push(this.#records.of({ message, previous }, timestamp));
      bytes += size;
      previous = message.position;
    }
    const checkpoint = progressMessage(sourcePartition, progress, sourcePartitionCount);
    const last = { topic: checkpoints, messages: [checkpoint] };
    yield batch.length === 0 ? [last] : [{ topic: rooms, messages: batch }, last];
  }
}
