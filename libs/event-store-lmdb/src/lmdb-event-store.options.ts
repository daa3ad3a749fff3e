import type { EventStoreError } from '@livegift/event-store';
import type { Clock, Telemetry } from '@livegift/kernel';

export interface LmdbEventStoreOptions {
  /** Made when it is not there. One process holds it at a time. */
  readonly directory: string;
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  /** Called once when another process has taken the directory: this store refuses every further append. */
  readonly onLost?: (error: EventStoreError) => void;
  /** Bytes of data and metadata as JSON in one append. */
  readonly appendBytesMax?: number;
  readonly appendEventsMax?: number;
  /** One transaction carries at most so many events. */
  readonly commitEventsMax?: number;
  /** More waiting than this is `overloaded`. */
  readonly queueEventsMax?: number;
  /** Events, and bytes of them, kept in memory for live subscribers. */
  readonly recentEventsMax?: number;
  readonly recentBytesMax?: number;
  /** Bytes of blocks kept in memory. */
  readonly blocksKeptBytesMax?: number;
  /** Streams whose last revision is kept in memory. */
  readonly headsKeptMax?: number;
  /** The newest events' part of the stream index is kept in memory: up to twice, for moments three times, so many events. */
  readonly indexInMemoryEvents?: number;
  readonly snapshotBytesMax?: number;
}

export const LIMITS_DEFAULT = {
  appendBytesMax: 1_048_576,
  appendEventsMax: 10_000,
  commitEventsMax: 16_384,
  queueEventsMax: 65_536,
  recentEventsMax: 8_192,
  recentBytesMax: 32 * 1024 * 1024,
  blocksKeptBytesMax: 8 * 1024 * 1024,
  headsKeptMax: 262_144,
  indexInMemoryEvents: 65_536,
  snapshotBytesMax: 16 * 1024 * 1024,
};
export type Limits = typeof LIMITS_DEFAULT;

/** What is not given, or undefined, is the default. */
export function limitsOf(options: LmdbEventStoreOptions): Limits {
  const given = Object.entries(options).filter(([name, value]) => name in LIMITS_DEFAULT && value !== undefined);
  return { ...LIMITS_DEFAULT, ...Object.fromEntries(given) };
}
