import type { Checkpoint, NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import {
  assertAppendable,
  EventStoreError,
  HISTORY_STREAM,
  historyIdFrom,
  type AppendResult,
  type ExpectedRevision,
  type ReadAllOptions,
  type ReadStreamOptions,
  type SubscriptionBatch,
} from '@livegift/event-store';

const POSITION_DIGITS = 16;

/** The bounds that a store names; small ones let a spec reach them. */
export interface LogBounds {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax: number;
}

export const LOG_BOUNDS_DEFAULT: LogBounds = {
  appendBytesMax: 1_048_576,
  appendEventsMax: 10_000,
  readEventsMax: 10_000,
};

/** Where a subscription stands; `nextBatch` moves it. */
export interface LogCursor {
  through: Position | null;
  saidCaughtUp: boolean;
  readonly types: ReadonlySet<string> | null;
  readonly batchEventsMax: number;
}

/**
 * Streams and their order, each operation in one step and nothing asynchronous: the truth under the in-memory and the
 * simulated event store. Events are frozen, so that a reader that changes one is found out.
 */
export class InMemoryLog {
  readonly #log: RecordedEvent[] = [];
  readonly #streams = new Map<string, RecordedEvent[]>();

  constructor(
    private readonly storeUuid: string,
    readonly bounds: LogBounds = LOG_BOUNDS_DEFAULT,
  ) {}

  get storeId(): string {
    return historyIdFrom(this.storeUuid, this.#streams.get(HISTORY_STREAM)?.at(-1));
  }

  get length(): number {
    return this.#log.length;
  }

  get events(): readonly RecordedEvent[] {
    return this.#log;
  }

  /** @throws EventStoreError `append-too-large` */
  assertFits(events: readonly NewEvent[]): void {
    const bytes = events.reduce(
      (sum, event) => sum + Buffer.byteLength(JSON.stringify([event.data, event.metadata])),
      0,
    );
    if (events.length > this.bounds.appendEventsMax || bytes > this.bounds.appendBytesMax) {
      throw new EventStoreError('append-too-large', `${events.length} events of ${bytes} bytes in one append`);
    }
  }

  revisionOf(stream: string): ExpectedRevision {
    const length = this.#streams.get(stream)?.length ?? 0;
    return length === 0 ? 'no-stream' : length - 1;
  }

  /** @throws EventStoreError `wrong-expected-revision`, `append-too-large` */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): AppendResult {
    assertAppendable(stream, events);
    this.assertFits(events);
    const actual = this.revisionOf(stream);
    if (actual !== expected) {
      throw new EventStoreError('wrong-expected-revision', `${stream} is at ${actual}, expected ${expected}`, actual);
    }
    const recorded = this.#streams.get(stream) ?? [];
    const positions = events.map((event) => {
      const position = String(this.#log.length + 1).padStart(POSITION_DIGITS, '0') as Position;
      const copy = deepFreeze(JSON.parse(JSON.stringify(event)) as NewEvent);
      const entry: RecordedEvent = Object.freeze({ ...copy, stream, revision: recorded.length, position });
      this.#log.push(entry);
      recorded.push(entry);
      return position;
    });
    this.#streams.set(stream, recorded);
    return { revision: recorded.length - 1, positions };
  }

  readStream(stream: string, options: ReadStreamOptions): readonly RecordedEvent[] {
    const recorded = this.#streams.get(stream) ?? [];
    const limit = this.#limit(options.limit);
    if (options.direction === 'backwards') {
      const from = Math.min(options.from ?? recorded.length - 1, recorded.length - 1);
      return recorded.slice(Math.max(0, from + 1 - limit), from + 1).reverse();
    }
    const from = options.from ?? 0;
    return recorded.slice(from, from + limit);
  }

  readAll(options: ReadAllOptions): readonly RecordedEvent[] {
    const limit = this.#limit(options.limit);
    if (options.direction === 'backwards') {
      const end = options.after ? Math.min(Math.max(Number(options.after) - 1, 0), this.#log.length) : this.#log.length;
      return this.#log.slice(Math.max(0, end - limit), end).reverse();
    }
    const start = this.#indexAfter(options.after ?? null);
    return this.#log.slice(start, start + limit);
  }

  head(): Position | null {
    return this.#log.at(-1)?.position ?? null;
  }

  /** @throws EventStoreError `checkpoint-foreign`, `checkpoint-beyond-end` */
  assertKnown(checkpoint: Checkpoint | null): void {
    if (checkpoint === null) return;
    if (checkpoint.storeId !== this.storeId) {
      throw new EventStoreError('checkpoint-foreign', `the checkpoint is of store ${checkpoint.storeId}`);
    }
    if (checkpoint.position > (this.head() ?? '')) {
      throw new EventStoreError('checkpoint-beyond-end', 'the checkpoint lies beyond the end of the log');
    }
  }

  /** What lies after the cursor, moving it; null while there is nothing new to say. */
  nextBatch(cursor: LogCursor, eventsMax = cursor.batchEventsMax): SubscriptionBatch | null {
    const index = this.#indexAfter(cursor.through);
    const seen = this.#log.slice(index, index + Math.min(cursor.batchEventsMax, eventsMax));
    if (seen.length === 0 && cursor.saidCaughtUp) return null;
    const caughtUp = index + seen.length === this.#log.length;
    cursor.through = seen.at(-1)?.position ?? cursor.through;
    cursor.saidCaughtUp = caughtUp;
    return { events: seen.filter((event) => cursor.types?.has(event.type) ?? true), through: cursor.through, caughtUp };
  }

  #indexAfter(position: Position | null): number {
    return position === null ? 0 : Math.min(Number(position), this.#log.length);
  }

  #limit(limit: number): number {
    if (!(limit >= 1 && limit <= this.bounds.readEventsMax))
      throw new RangeError(`limit must be 1 to ${this.bounds.readEventsMax}`);
    return limit;
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (value !== null && typeof value === 'object') {
    for (const field of Object.values(value)) deepFreeze(field);
    Object.freeze(value);
  }
  return value;
}
