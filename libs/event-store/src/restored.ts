import {
  historyIdOf,
  instant,
  isGeneration,
  notBefore,
  storeUuidOf,
  type DomainEvent,
  type Instant,
  type Position,
  type RecordedEvent,
} from '@livegift/kernel';
import type { EventReader, EventStore } from './event-store.js';

/** What concerns the whole store stands here. */
export const HISTORY_STREAM = 'store';

/** A backup was put in the place of this store: a new generation of its history begins with this event. */
export type StoreRestored = DomainEvent<
  'StoreRestored',
  {
    /** Random, 16 hexadecimal digits. */
    readonly generation: string;
    readonly occurredAt: Instant;
  }
>;

/** The history's id, from the newest event of `HISTORY_STREAM`. */
export function historyIdFrom(storeUuid: string, newest: RecordedEvent | undefined): string {
  if (newest?.type !== 'StoreRestored') return storeUuid;
  const { generation } = newest.data as Partial<StoreRestored['data']>;
  return historyIdOf(storeUuid, isGeneration(generation) ? generation : null);
}

export interface NewGeneration {
  readonly generation: string;
  readonly eventId: string;
  readonly correlationId: string;
  readonly nowMs: number;
}

export interface BegunGeneration {
  /** What the store answers as its id from the next time on that it is opened. */
  readonly historyId: string;
  readonly position: Position;
}

/**
 * Begins a generation. Only while no other process works on the store: they would go on in the history before.
 * @throws EventStoreError
 */
export async function beginGeneration(store: EventStore, given: NewGeneration): Promise<BegunGeneration> {
  const { generation, eventId, correlationId, nowMs } = given;
  const [newest] = await store.readStream(HISTORY_STREAM, { direction: 'backwards', limit: 1 });
  const occurredAt = notBefore(instant(nowMs), newest?.metadata.recordedAt ?? null);
  const restored: StoreRestored = { type: 'StoreRestored', schemaVersion: 1, data: { generation, occurredAt } };
  const metadata = { $correlationId: correlationId, $causationId: correlationId, recordedAt: occurredAt };
  const { positions } = await store.append(
    HISTORY_STREAM,
    [{ ...restored, id: eventId, metadata }],
    newest?.revision ?? 'no-stream',
  );
  return { historyId: historyIdOf(storeUuidOf(store.storeId), generation), position: positions[0]! };
}

/** Where the present history begins, and which histories it goes on from. */
export interface Ancestry {
  /** Position of its StoreRestored. */
  readonly beganAt: Position;
  /** Where each earlier history was left for the next one. What it held from there on is lost. */
  readonly leftAt: ReadonlyMap<string, Position>;
}

/** Null: nothing was ever restored. @throws EventStoreError `unavailable`, `damaged` */
export async function ancestryOf(events: EventReader): Promise<Ancestry | null> {
  const uuid = storeUuidOf(events.storeId);
  const leftAt = new Map<string, Position>();
  let history = uuid;
  let beganAt: Position | null = null;
  for (let from = 0; ;) {
    const page = await events.readStream(HISTORY_STREAM, { from, limit: RESTORES_PER_PAGE });
    for (const event of page) {
      if (event.type !== 'StoreRestored') continue;
      leftAt.set(history, event.position);
      history = historyIdFrom(uuid, event);
      beganAt = event.position;
    }
    if (page.length < RESTORES_PER_PAGE) break;
    from += page.length;
  }
  return beganAt === null ? null : { beganAt, leftAt };
}

const RESTORES_PER_PAGE = 100;
