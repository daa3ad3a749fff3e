import { randomUUID } from 'node:crypto';
import { FanOutError } from '@livegift/fanout';
import { CuttablePause, pause, type Scheduler } from '@livegift/kernel';
import type { Consumer, EachBatchPayload, InstrumentationEvent, Kafka, KafkaMessage } from 'kafkajs';
import type { WithAdmin } from './kafka-client.js';
import { fanOutError, isRetriable } from './kafka-errors.js';

export interface TopicReaderParts {
  readonly kafka: Kafka;
  readonly withAdmin: WithAdmin;
  readonly scheduler: Scheduler;
  readonly topic: string;
  readonly clientId: string;
  /** The offset to begin at, of every partition of the topic. */
  readonly starts: readonly number[];
  /** A compacted topic has gaps; of any other one, a gap means that something was missed. */
  readonly isCompacted: boolean;
  /** A fetch waits so long for something to come, and so long may closing take. */
  readonly fetchWaitMs: number;
  /** Committed records of one partition, in order. Takes all of them; what follows waits until the promise has resolved. */
  onRecords(partition: number, records: readonly KafkaMessage[]): Promise<void> | void;
  /** Everything before `next` has been given to `onRecords`, or was none of our business. */
  onProgress(partition: number, next: number): void;
  /** It has ended by itself, and will not go on. */
  onFailure(error: FanOutError): void;
}

const SESSION_MS = 30_000;
const HEARTBEAT_MS = 3_000;
const CLOSE_MS_MAX = 5_000;
const OPENINGS_MAX = 20;
const OPENING_PAUSE_MS = 250;
const RETRY = { initialRetryTime: 100, retries: 8, restartOnFailure: () => Promise.resolve(false) };

/**
 * Reads all partitions of a topic, committed records only, from given offsets. kafkajs reads in consumer groups alone, so
 * each reader is a group by itself: nobody shares its partitions, it commits no offset, and it deletes the group when it
 * closes (a group without offsets that a crash leaves behind is dropped by the broker). After every rebalance it says
 * again where it stands.
 */
export class TopicReader {
  readonly #consumer: Consumer;
  readonly #groupId: string;
  readonly #next: number[];
  #hasJoined = false;
  #closed = false;

  /** Resolves once it reads. @throws FanOutError `unavailable` */
  static async open(parts: TopicReaderParts): Promise<TopicReader> {
    for (let attempt = 1; ; attempt++) {
      const reader = new TopicReader(parts);
      try {
        await reader.#open();
        return reader;
      } catch (error) {
        await reader.close();
        // A broker that has just started is loading its groups, which kafkajs takes for the end.
        if (attempt === OPENINGS_MAX || !isRetriable(error)) throw fanOutError(`read ${parts.topic}`, error);
        await pause(parts.scheduler, OPENING_PAUSE_MS);
      }
    }
  }

  private constructor(private readonly parts: TopicReaderParts) {
    const { clientId, fetchWaitMs, kafka, starts } = parts;
    this.#groupId = `${clientId}.${randomUUID()}`;
    this.#next = [...starts];
    this.#consumer = kafka.consumer({
      groupId: this.#groupId,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: fetchWaitMs,
      allowAutoTopicCreation: false,
      retry: RETRY,
    });
  }

  async #open(): Promise<void> {
    const consumer = this.#consumer;
    const { GROUP_JOIN, CRASH, END_BATCH_PROCESS } = consumer.events;
    await consumer.connect();
    await consumer.subscribe({ topics: [this.parts.topic], fromBeginning: true });
    const joined = new Promise<void>((resolve, reject) => {
      consumer.on(GROUP_JOIN, () => {
        this.#hasJoined = true;
        this.#seek();
        resolve();
      });
      consumer.on(CRASH, ({ payload }) => {
        reject(payload.error);
        this.#fail(payload.error);
      });
    });
    joined.catch(() => {});
    consumer.on(END_BATCH_PROCESS, (event) => this.#progress(event));
    await consumer.run({ autoCommit: false, eachBatch: (payload) => this.#batch(payload) });
    await joined;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((closed) => {
      // A broker that hangs drops the group by itself.
      const late = this.parts.scheduler.after(CLOSE_MS_MAX, closed);
      void this.#leave().finally(() => {
        late.cancel();
        closed();
      });
    });
  }

  async #leave(): Promise<void> {
    await this.#consumer.disconnect().catch(() => {});
    await this.parts.withAdmin((admin) => admin.deleteGroups([this.#groupId])).catch(() => {});
  }

  #seek(): void {
    const { topic } = this.parts;
    for (const [partition, next] of this.#next.entries()) {
      this.#consumer.seek({ topic, partition, offset: String(next) });
    }
  }

  async #batch(payload: EachBatchPayload): Promise<void> {
    const { partition, messages } = payload.batch;
    if (this.#closed || !this.#isNext(partition, payload.batch.firstOffset())) return;
    const taken = this.parts.onRecords(partition, messages);
    // Now, and not when somebody has drained it: a rebalance in the meantime must not bring it again.
    this.#advance(partition, payload.batch.lastOffset());
    if (taken instanceof Promise) await this.#stayUntil(taken, () => payload.heartbeat());
  }

  /** Somebody is slow: stays in the group meanwhile. */
  async #stayUntil(taken: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
    const rest = new CuttablePause(this.parts.scheduler);
    const waiting = { isOver: false };
    void taken.then(() => {
      waiting.isOver = true;
      rest.cut();
    });
    while (!waiting.isOver && !this.#closed) {
      await rest.for(HEARTBEAT_MS);
      await heartbeat();
    }
  }

  /** Also told of batches that held nothing but control records and what was aborted. */
  #progress({ payload }: InstrumentationEvent<{ partition: number; firstOffset: string; lastOffset: string }>): void {
    const { partition, firstOffset, lastOffset } = payload;
    if (this.#closed || Number(lastOffset) < this.#next[partition]! || !this.#isNext(partition, firstOffset)) return;
    this.#advance(partition, lastOffset);
  }

  #advance(partition: number, lastOffset: string): void {
    const next = Number(lastOffset) + 1;
    this.#next[partition] = next;
    this.parts.onProgress(partition, next);
  }

  #isNext(partition: number, firstOffset: string | null): boolean {
    if (firstOffset === null || this.parts.isCompacted) return true;
    const expected = this.#next[partition]!;
    if (Number(firstOffset) === expected) return true;
    // Retention was quicker than we were, or the broker has lost its end: kafkajs has moved on by itself.
    this.#fail(new Error(`partition ${partition}: offset ${expected} is not there any more, ${firstOffset} is`));
    return false;
  }

  #fail(error: Error): void {
    if (this.#closed || !this.#hasJoined) return;
    this.parts.onFailure(fanOutError(`read ${this.parts.topic}`, error));
  }
}
