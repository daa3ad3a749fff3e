import type { Position } from './position.js';

/** What every event says about how it came to be. `$…` are EventStoreDB's own names. */
export interface EventMetadata {
  readonly $correlationId: string;
  readonly $causationId: string;
  /** RFC 3339, UTC: the appender's clock, but never before the stream's last event. Limits, holds and retention of keys go by it. */
  readonly recordedAt: string;
  readonly idempotencyKey?: string;
  readonly bodyHash?: string;
  /** Revision of the stream's previous event of the same type; null for the first. Wallets and creators have it. */
  readonly previousOfType?: number | null;
  /** Creator streams only: position of the newest GiftSent credited so far; null before the first. */
  readonly settledThrough?: Position | null;
}

/** An event that has been decided. `id` is a fresh random UUID for each decision. Data is plain JSON. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  readonly schemaVersion: number;
  readonly data: Data;
  readonly metadata: EventMetadata;
}

/** An event as the log has it. `revision` counts from 0 in its stream. Never mutate one: readers share them. */
export interface RecordedEvent<Type extends string = string, Data = unknown> extends NewEvent<Type, Data> {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
}
