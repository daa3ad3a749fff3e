import type { Position } from '@livegift/kernel';

/** What a consumer says about itself when it is asked. */
export interface ConsumerReport {
  /**
   * `standing-by`: another process has this work. `refused`: it has stopped and will not go on by itself; `failing` says why.
   * `stopped`: it was shut down.
   */
  readonly activity: 'starting' | 'working' | 'standing-by' | 'refused' | 'stopped';
  /** Everything at or before it is done; null: nothing yet. */
  readonly position: Position | null;
  /** When the newest event that is done was recorded, milliseconds since 1970; null when that is not known. */
  readonly recordedAtMs: number | null;
  /** Why the last try failed; null while tries succeed. */
  readonly failing: string | null;
  /** The position of each partition that this consumer holds, where its work is split. */
  readonly partitions?: ReadonlyMap<number, Position | null>;
}

/**
 * Of a consumer, derived from its reports and from the head of its source:
 *
 * - `running`: it moves, or has done everything that there is.
 * - `waiting`: its last try failed, or the source does not answer; not for long yet.
 * - `stalled`: for `stallMsMax` it has neither moved nor been known to be at the head.
 */
export type ConsumerCondition = 'starting' | 'running' | 'waiting' | 'stalled' | 'standing-by' | 'refused' | 'stopped';

export interface ConsumerProgress {
  readonly condition: ConsumerCondition;
  /** RFC 3339: when this condition began. */
  readonly since: string;
  readonly position: Position | null;
  /** Of the source, as last heard of; null: it is empty, or was never heard of. */
  readonly head: Position | null;
  /**
   * How long ago the consumer had done everything that there was then; 0 at the head. While it reads old history: the age of
   * the newest event that is done.
   */
  readonly lagSeconds: number;
  /** Why it waits, stalls or has refused. */
  readonly reason: string | null;
}

/**
 * A number that rises with the position, for metrics: the count of events in the embedded store, bytes of the log in
 * EventStoreDB (whose position is commit and prepare, 20 digits each), messages in a fan-out.
 */
export function magnitudeOf(position: Position | null): number {
  return position === null ? 0 : Number(position.slice(0, 20));
}

/** Whether something lies between `position` and `than`. */
export function isBehind(position: Position | null, than: Position | null): boolean {
  return than !== null && (position === null || position < than);
}
