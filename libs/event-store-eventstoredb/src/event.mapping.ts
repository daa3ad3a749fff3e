import { randomUUID } from 'node:crypto';
import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { EventMetadata, NewEvent, RecordedEvent } from '@livegift/kernel';
import { positionOf } from './position.js';

/** Streams that this adapter keeps for itself; no reader of the log sees them. */
export const STORE_STREAM = 'livegift.store';
export const SNAPSHOT_PREFIX = 'livegift-snapshot-';
export const CHECKPOINT_PREFIX = 'livegift-checkpoint-';
export const CHOICE_PREFIX = 'livegift-choice-';

/** Types of the adapter's own events begin so: what the server leaves out for us (with `$…`) in a subscription to everything. */
export const OWN_TYPE_PREFIX = 'livegift.';

export function isReservedStream(stream: string): boolean {
  return (
    stream.startsWith('$') ||
    stream === STORE_STREAM ||
    stream.startsWith(SNAPSHOT_PREFIX) ||
    stream.startsWith(CHECKPOINT_PREFIX) ||
    stream.startsWith(CHOICE_PREFIX)
  );
}

/** What the event's metadata holds in EventStoreDB: ours, and what the server has no field for. */
interface StoredMetadata extends EventMetadata {
  readonly schemaVersion: number;
  readonly eventId: string;
}

/** An event as it is sent, as JSON in UTF-8. */
export interface WireEvent {
  /** Ours. */
  readonly eventId: string;
  /** The server's own. */
  readonly id: string;
  readonly type: string;
  readonly data: Buffer;
  readonly metadata: Buffer;
  /** What the caller gave, as the port counts it: without what is added here. */
  readonly callersBytes: number;
}

/**
 * The server's own event id is fresh for each append: it takes a stale append for a repetition, and answers success, when
 * the ids match. Ours stands in the metadata.
 */
export function toWire(event: NewEvent): WireEvent {
  const added = { schemaVersion: event.schemaVersion, eventId: event.id };
  const metadata = jsonOf({ ...event.metadata, ...added } satisfies StoredMetadata);
  const data = jsonOf(event.data);
  // Two objects made one: both pairs of braces became one pair, and a comma.
  const callersBytes = data.length + metadata.length - jsonOf(added).length + 1;
  return { eventId: event.id, id: randomUUID(), type: event.type, data, metadata, callersBytes };
}

/** Bytes as the server counts them: data, metadata, and the type as UTF-16. */
export function serverBytes({ data, metadata, type }: WireEvent): number {
  return data.length + metadata.length + 2 * type.length;
}

function jsonOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Null for what is not of the log: system events, our own bookkeeping, and events of other programs. */
export function toRecorded({ event }: AllStreamResolvedEvent | ResolvedEvent): RecordedEvent | null {
  if (event === undefined || !event.isJson || event.position === undefined || isReservedStream(event.streamId))
    return null;
  const stored = event.metadata as unknown as StoredMetadata | undefined;
  if (typeof stored !== 'object' || stored === null || typeof stored.schemaVersion !== 'number') return null;
  const { schemaVersion, eventId, ...metadata } = stored;
  return {
    id: eventId ?? event.id,
    type: event.type,
    schemaVersion,
    data: event.data,
    metadata,
    stream: event.streamId,
    revision: Number(event.revision),
    position: positionOf(event.position),
  };
}
