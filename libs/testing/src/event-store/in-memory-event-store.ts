import type { Checkpoint, NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import {
  EventStoreError,
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
  type SubscriptionBatch,
} from '@livegift/event-store';

const POSITION_DIGITS = 16;

/** The plainest event store that keeps every promise of the port: for specs, and the truth under the simulated one. */
export class InMemoryEventStore implements EventStore {
  readonly appendBytesMax = 1_048_576;
  readonly appendEventsMax = 10_000;
  readonly readEventsMax = 10_000;
  readonly #log: RecordedEvent[] = [];
  readonly #streams = new Map<string, RecordedEvent[]>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #checkpoints = new Map<string, Checkpoint>();
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(readonly storeId: string) {}

  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    return this.appendNow(stream, events, expected);
  }

  /** The append itself, in one step. */
  appendNow(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): AppendResult {
    this.#assertOpen();
    const size = events.reduce((sum, event) => sum + JSON.stringify([event.data, event.metadata]).length, 0);
    if (events.length > this.appendEventsMax || size > this.appendBytesMax) {
      throw new EventStoreError('append-too-large', `${events.length} events of ${size} bytes in one append`);
    }
    const recorded = this.#streams.get(stream) ?? [];
    const actual = recorded.length === 0 ? 'no-stream' : recorded.length - 1;
    if (actual !== expected) {
      throw new EventStoreError('wrong-expected-revision', `${stream} is at ${actual}, expected ${expected}`, actual);
    }
    const positions = events.map((event) => {
      const position = String(this.#log.length + 1).padStart(POSITION_DIGITS, '0') as Position;
      const copy = JSON.parse(JSON.stringify(event)) as NewEvent;
      const entry: RecordedEvent = { ...copy, stream, revision: recorded.length, position };
      this.#log.push(entry);
      recorded.push(entry);
      return position;
    });
    this.#streams.set(stream, recorded);
    this.#wake();
    return { revision: recorded.length - 1, positions };
  }

  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    const results: AppendResult[] = [];
    for (const { stream, events, expected } of entries) {
      try {
        results.push(this.appendNow(stream, events, expected));
      } catch (failure) {
        return { results, failure: failure as Error };
      }
    }
    return { results };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    const recorded = this.#streams.get(stream) ?? [];
    if (options.direction === 'backwards') {
      const from = Math.min(options.from ?? recorded.length - 1, recorded.length - 1);
      return recorded.slice(Math.max(0, from + 1 - options.limit), from + 1).reverse();
    }
    const from = options.from ?? 0;
    return recorded.slice(from, from + options.limit);
  }

  async readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    if (options.direction === 'backwards') {
      const end = options.after ? this.#indexAtOrAfter(options.after) : this.#log.length;
      return this.#log.slice(Math.max(0, end - options.limit), end).reverse();
    }
    const start = this.#indexAfter(options.after ?? null);
    return this.#log.slice(start, start + options.limit);
  }

  async head(): Promise<Position | null> {
    this.#assertOpen();
    return this.#log.at(-1)?.position ?? null;
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen();
    const { after } = options;
    if (after !== null && after.storeId !== this.storeId) {
      throw new EventStoreError('checkpoint-foreign', `the checkpoint is of store ${after.storeId}`);
    }
    const end = this.#log.at(-1)?.position ?? '';
    if (after !== null && after.position > end) {
      throw new EventStoreError('checkpoint-beyond-end', `the checkpoint lies beyond the end of the log`);
    }
    return this.#subscription(after?.position ?? null, options);
  }

  async loadSnapshot(name: string): Promise<Snapshot | null> {
    this.#assertOpen();
    return this.#snapshots.get(name) ?? null;
  }

  async saveSnapshot(name: string, snapshot: Snapshot): Promise<void> {
    this.#assertOpen();
    this.#snapshots.set(name, { ...snapshot, bytes: snapshot.bytes.slice() });
  }

  async loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    this.#assertOpen();
    return this.#checkpoints.get(consumer) ?? null;
  }

  async saveCheckpoint(consumer: string, position: Position): Promise<void> {
    this.#assertOpen();
    this.#checkpoints.set(consumer, { storeId: this.storeId, position });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
  }

  #subscription(start: Position | null, options: SubscribeOptions): Subscription {
    const batchEventsMax = options.batchEventsMax ?? 1_000;
    const types = options.types === undefined ? null : new Set(options.types);
    let through = start;
    let saidCaughtUp = false;
    let closed = false;
    let wake = (): void => {};
    const take = (): SubscriptionBatch | null => {
      const index = this.#indexAfter(through);
      const seen = this.#log.slice(index, index + batchEventsMax);
      const caughtUp = index + seen.length === this.#log.length;
      if (seen.length === 0 && saidCaughtUp) return null;
      through = seen.at(-1)?.position ?? through;
      saidCaughtUp = caughtUp;
      return { events: seen.filter((event) => types?.has(event.type) ?? true), through, caughtUp };
    };
    return {
      next: async () => {
        for (;;) {
          if (closed || this.#closed) return null;
          const batch = take();
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

  #indexAfter(position: Position | null): number {
    return position === null ? 0 : Math.min(Number(position), this.#log.length);
  }

  #indexAtOrAfter(position: Position): number {
    return Math.min(Math.max(Number(position) - 1, 0), this.#log.length);
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #assertOpen(): void {
    if (this.#closed) throw new EventStoreError('unavailable', 'the event store is closed');
  }
}
