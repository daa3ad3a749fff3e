/// <reference types="jest" />
import type { Ids, NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import type { EventReader, EventStore, Subscription } from '../event-store.js';

/** One event store under test. Cases use streams of their own, so nothing has to be empty or cleaned. */
export interface EventStoreHarness {
  readonly store: EventStore;
  /** Makes names and event ids that no run has used. */
  readonly ids: Ids;
  /** Closes `store` gracefully and opens the same data again, as a new process would. */
  restart(): Promise<EventStore>;
  /** A reader in company of the writer, where the adapter has such a thing. */
  openReader?(): Promise<EventReader & { close(): Promise<void> }>;
  close(): Promise<void>;
}

export type OpenEventStoreHarness = () => Promise<EventStoreHarness>;

/** What the cases of one topic share; `store` is today's handle, also after a restart. */
export class ContractContext {
  store!: EventStore;
  harness!: EventStoreHarness;

  static forTopic(open: OpenEventStoreHarness): ContractContext {
    const context = new ContractContext();
    beforeAll(async () => {
      context.harness = await open();
      context.store = context.harness.store;
    });
    afterAll(async () => {
      await context.harness.close();
    });
    return context;
  }

  async restart(): Promise<EventStore> {
    this.store = await this.harness.restart();
    return this.store;
  }

  /** A name that nobody has used. */
  fresh(prefix: string): string {
    return `${prefix}-${this.harness.ids.uuid()}`;
  }

  event(data: unknown = {}, type = 'SomethingHappened'): NewEvent {
    const id = this.harness.ids.uuid();
    return { id, type, schemaVersion: 1, data, metadata: { ...CAUSE, $correlationId: id } };
  }

  /** `count` events whose data is their number, from 0. */
  events(count: number, type?: string): NewEvent[] {
    return Array.from({ length: count }, (_, n) => this.event({ n }, type));
  }

  async headOrNull(): Promise<{ storeId: string; position: Position } | null> {
    const position = await this.store.head();
    return position === null ? null : { storeId: this.store.storeId, position };
  }
}

const CAUSE = { $causationId: '8f9c3f0e-0000-4000-8000-000000000000', recordedAt: '2026-03-01T12:00:00.000Z' };

/** Pulls until `count` events of the given streams have come. */
export async function pull(
  subscription: Subscription,
  streams: ReadonlySet<string>,
  count: number,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  while (events.length < count) {
    const batch = await subscription.next();
    if (batch === null) break;
    events.push(...batch.events.filter((event) => streams.has(event.stream)));
  }
  return events;
}

/** The event as it was handed in, so that a recorded one can be compared with it. */
export function asGiven({ id, type, schemaVersion, data, metadata }: NewEvent): NewEvent {
  return { id, type, schemaVersion, data, metadata };
}

export async function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
    return 'nothing thrown';
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}
