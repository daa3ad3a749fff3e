import type { NewEvent, Position } from '@livegift/kernel';
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
} from '@livegift/event-store';

export interface SteeredAppend {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: ExpectedRevision;
}

/**
 * - `through`: as the store does it.
 * - `lost`: not written, and the caller is told that it is not known.
 * - `unheard`: written, and the caller is told that it is not known.
 * - `unavailable`, `overloaded`: not written.
 * - `silent-before`, `silent-after`: not written, or written, and no answer ever: the caller's process has died.
 */
export type SteeredFate =
  'through' | 'lost' | 'unheard' | 'unavailable' | 'overloaded' | 'silent-before' | 'silent-after';

/** An event store in the hands of a spec: it says what becomes of each append, and counts what is read. */
export class SteeredEventStore implements EventStore {
  readonly storeId: string;
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax: number;
  /** Asked before each append, also each entry of an ordered one. May first do something else to the store. */
  fate: (append: SteeredAppend) => SteeredFate | Promise<SteeredFate> = () => 'through';
  /** While true, reads fail. */
  readsFail = false;
  eventsRead = 0;
  appends = 0;

  constructor(private readonly inner: EventStore) {
    this.storeId = inner.storeId;
    this.appendBytesMax = inner.appendBytesMax;
    this.appendEventsMax = inner.appendEventsMax;
    this.readEventsMax = inner.readEventsMax;
  }

  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    this.appends++;
    const fate = await this.fate({ stream, events, expected });
    switch (fate) {
      case 'lost':
        throw new EventStoreError('append-outcome-unknown', 'steered: lost');
      case 'unavailable':
      case 'overloaded':
        throw new EventStoreError(fate, `steered: ${fate}`);
      case 'silent-before':
        return NEVER;
      default:
    }
    const result = await this.inner.append(stream, events, expected);
    if (fate === 'unheard') throw new EventStoreError('append-outcome-unknown', 'steered: unheard');
    return fate === 'silent-after' ? NEVER : result;
  }

  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    const results: Appended[] = [];
    for (const { stream, events, expected } of entries) {
      try {
        const { revision, positions } = await this.append(stream, events, expected);
        results.push({ revision, position: positions.at(-1)! });
      } catch (failure) {
        return { results, failure: failure as Error };
      }
    }
    return { results };
  }

  async readStream(stream: string, options: ReadStreamOptions) {
    this.#assertReadable();
    const events = await this.inner.readStream(stream, options);
    this.eventsRead += events.length;
    return events;
  }

  async readAll(options: ReadAllOptions) {
    this.#assertReadable();
    return this.inner.readAll(options);
  }

  async head() {
    this.#assertReadable();
    return this.inner.head();
  }

  subscribe(options: SubscribeOptions) {
    return this.inner.subscribe(options);
  }

  async loadSnapshot(name: string) {
    this.#assertReadable();
    return this.inner.loadSnapshot(name);
  }

  saveSnapshot(name: string, snapshot: Snapshot) {
    return this.inner.saveSnapshot(name, snapshot);
  }

  loadCheckpoint(consumer: string) {
    return this.inner.loadCheckpoint(consumer);
  }

  saveCheckpoint(consumer: string, position: Position | null) {
    return this.inner.saveCheckpoint(consumer, position);
  }

  close() {
    return this.inner.close();
  }

  #assertReadable(): void {
    if (this.readsFail) throw new EventStoreError('unavailable', 'steered: reads fail');
  }
}

const NEVER = new Promise<never>(() => {});
