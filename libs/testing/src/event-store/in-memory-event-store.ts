import type { Checkpoint, NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import {
  EventStoreError,
  type Appended,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type OrderedAppend,
  type OrderedAppendResult,
  type ReadAllOptions,
  type ReadStreamOptions,
  type Snapshot,
  type SubscribeOptions,
  type Subscription,
} from '@livegift/event-store';
import { InMemoryLog, type LogBounds, type LogCursor } from './in-memory-log.js';

export const SUBSCRIPTION_BATCH_EVENTS = 1_000;

/** What a store keeps; hand it to a new `InMemoryEventStore` and that one is the same store, started again. */
export class InMemoryDisk {
  readonly log: InMemoryLog;
  readonly snapshots = new Map<string, Snapshot>();
  readonly checkpoints = new Map<string, Position>();

  constructor(storeId: string, bounds?: LogBounds) {
    this.log = new InMemoryLog(storeId, bounds);
  }
}

/** The plainest event store that keeps every promise of the port: for specs. */
export class InMemoryEventStore implements EventStore {
  readonly storeId: string;
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax: number;
  readonly #disk: InMemoryDisk;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(disk: InMemoryDisk | string) {
    this.#disk = typeof disk === 'string' ? new InMemoryDisk(disk) : disk;
    this.storeId = this.#disk.log.storeId;
    ({
      appendBytesMax: this.appendBytesMax,
      appendEventsMax: this.appendEventsMax,
      readEventsMax: this.readEventsMax,
    } = this.#disk.log.bounds);
  }

  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    return this.appendNow(stream, events, expected);
  }

  /** The append itself, in one step. */
  appendNow(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): AppendResult {
    this.#assertOpen();
    const result = this.#disk.log.append(stream, events, expected);
    this.#wake();
    return result;
  }

  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    const results: Appended[] = [];
    for (const { stream, events, expected } of entries) {
      try {
        const { revision, positions } = this.appendNow(stream, events, expected);
        results.push({ revision, position: positions.at(-1)! });
      } catch (failure) {
        return { results, failure: failure as Error };
      }
    }
    return { results };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    return this.#disk.log.readStream(stream, options);
  }

  async readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    return this.#disk.log.readAll(options);
  }

  async head(): Promise<Position | null> {
    this.#assertOpen();
    return this.#disk.log.head();
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen();
    this.#disk.log.assertKnown(options.after);
    return this.#subscription({
      through: options.after?.position ?? null,
      saidCaughtUp: false,
      types: options.types === undefined ? null : new Set(options.types),
      batchEventsMax: options.batchEventsMax ?? SUBSCRIPTION_BATCH_EVENTS,
    });
  }

  async loadSnapshot(name: string): Promise<Snapshot | null> {
    this.#assertOpen();
    return this.#disk.snapshots.get(name) ?? null;
  }

  async saveSnapshot(name: string, snapshot: Snapshot): Promise<void> {
    this.#assertOpen();
    this.#disk.snapshots.set(name, { ...snapshot, bytes: snapshot.bytes.slice() });
  }

  async loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    this.#assertOpen();
    const position = this.#disk.checkpoints.get(consumer);
    return position === undefined ? null : { storeId: this.storeId, position };
  }

  async saveCheckpoint(consumer: string, position: Position | null): Promise<void> {
    this.#assertOpen();
    if (position === null) this.#disk.checkpoints.delete(consumer);
    else this.#disk.checkpoints.set(consumer, position);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
  }

  #subscription(cursor: LogCursor): Subscription {
    let closed = false;
    let wake = (): void => {};
    return {
      next: async () => {
        for (;;) {
          if (closed || this.#closed) return null;
          const batch = this.#disk.log.nextBatch(cursor);
          if (batch !== null) return batch;
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(resolve);
          });
        }
      },
      close: () => {
        closed = true;
        wake();
      },
    };
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #assertOpen(): void {
    if (this.#closed) throw new EventStoreError('unavailable', 'the event store is closed');
  }
}
