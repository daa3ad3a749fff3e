import type { Checkpoint, MonotonicClock, Position } from '@livegift/kernel';
import {
  FanOutError,
  type FanOut,
  type FanOutDelivery,
  type FanOutPublisher,
  type FanOutSubscription,
  type PartitionFloor,
  type RoomMessage,
} from '@livegift/fanout';
import { MessageLog } from './message-log.js';

export interface MemoryFanOutOptions {
  readonly clock: MonotonicClock;
  /** Messages older than this are let go. */
  readonly retainMs: number;
  /** At most this many messages are kept; the oldest go first. */
  readonly retainMessagesMax: number;
  readonly sourcePartitionCount: number;
  /** A delivery holds at most this many messages; default 1,000. */
  readonly deliveryMessagesMax?: number;
}

interface Partition {
  /** Of the publisher that may write: opening another makes a new one. */
  epoch: number;
  checkpoint: Checkpoint | null;
  /** Everything after it, as far as it was published, is kept. Null: nothing was ever published. */
  floor: Position | null;
}

const DELIVERY_MESSAGES_MAX = 1_000;

/** The fan-out of one process: a bounded log of messages in memory that each subscriber reads at its own pace. */
export function createMemoryFanOut(options: MemoryFanOutOptions): FanOut {
  return new MemoryFanOut(options);
}

class MemoryFanOut implements FanOut {
  readonly sourcePartitionCount: number;
  readonly #partitions: readonly Partition[];
  readonly #log: MessageLog;
  readonly #deliveryMessagesMax: number;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(private readonly options: MemoryFanOutOptions) {
    this.sourcePartitionCount = options.sourcePartitionCount;
    this.#deliveryMessagesMax = options.deliveryMessagesMax ?? DELIVERY_MESSAGES_MAX;
    this.#partitions = Array.from({ length: options.sourcePartitionCount }, () => ({
      epoch: 0,
      checkpoint: null,
      floor: null,
    }));
    this.#log = new MessageLog(options.retainMessagesMax);
  }

  async openPublisher(sourcePartition: number): Promise<FanOutPublisher> {
    this.#assertOpen();
    const partition = this.#partitions[sourcePartition];
    if (partition === undefined) throw new RangeError(`there is no source partition ${sourcePartition}`);
    partition.epoch += 1;
    const { epoch } = partition;
    let closed = false;
    return {
      checkpoint: partition.checkpoint,
      publish: async (messages, checkpoint) => {
        this.#assertOpen();
        if (closed) throw new FanOutError('unavailable', 'this publisher is closed');
        if (partition.epoch !== epoch) {
          throw new FanOutError('fenced', `a later publisher has taken over source partition ${sourcePartition}`);
        }
        this.#publish(sourcePartition, partition, messages, checkpoint);
      },
      close: async () => {
        closed = true;
      },
    };
  }

  async subscribe({ backMs }: { readonly backMs: number }): Promise<FanOutSubscription> {
    this.#assertOpen();
    this.#letOldGo();
    return this.#subscription(this.options.clock.elapsedMs() - backMs);
  }

  async end(): Promise<number> {
    this.#assertOpen();
    return this.#log.end;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
  }

  #publish(index: number, partition: Partition, messages: readonly RoomMessage[], checkpoint: Checkpoint): void {
    // Of a partition that begins with messages, nothing is known before the first of them.
    const begins = partition.floor === null;
    if (begins) partition.floor = messages[0]?.position ?? checkpoint.position;
    partition.checkpoint = checkpoint;
    if (messages.length > 0) {
      this.#log.add({ sourcePartition: index, publishedAtMs: this.options.clock.elapsedMs(), messages });
      this.#letOldGo();
    }
    if (begins || messages.length > 0) this.#wake();
  }

  #letOldGo(): void {
    const before = this.options.clock.elapsedMs() - this.options.retainMs;
    for (const entry of this.#log.dropBefore(before)) {
      const partition = this.#partitions[entry.sourcePartition]!;
      const last = entry.messages.at(-1)!.position;
      if (partition.floor === null || last > partition.floor) partition.floor = last;
    }
  }

  #subscription(sinceMs: number): FanOutSubscription {
    const start = this.#log.firstSince(sinceMs);
    const skipped = this.#log.lastPositionsBefore(start);
    const caughtUpAt = this.#log.end;
    const told = new Set<number>();
    let next = start;
    let first = true;
    let closed = false;
    let wake = (): void => {};
    const floors = (): PartitionFloor[] =>
      this.#partitions.flatMap(({ floor }, sourcePartition) => {
        if (floor === null || told.has(sourcePartition)) return [];
        told.add(sourcePartition);
        const position = skipped.get(sourcePartition) ?? floor;
        return [{ sourcePartition, position: position > floor ? position : floor }];
      });
    const take = (): FanOutDelivery | null => {
      if (next < this.#log.begin) throw new FanOutError('unavailable', 'fell behind the messages that are kept');
      const news = floors();
      const { messages, end } = this.#log.read(next, this.#deliveryMessagesMax);
      if (messages.length === 0 && news.length === 0 && !first) return null;
      first = false;
      next = end;
      return { messages, floors: news, caughtUp: next >= caughtUpAt };
    };
    return {
      next: async () => {
        for (;;) {
          if (closed || this.#closed) return null;
          const delivery = take();
          if (delivery !== null) return delivery;
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(resolve);
          });
        }
      },
      reached: () => next,
      close: async () => {
        closed = true;
        this.#waiting.delete(wake);
        wake();
      },
    };
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  #assertOpen(): void {
    if (this.#closed) throw new FanOutError('unavailable', 'the fan-out is closed');
  }
}
