export interface EventStoreDbLimits {
  /** Appends that the server has not answered yet, and as many reads: beyond some thousands the client fails. */
  readonly inFlightMax: number;
  /** Appends that wait for one of those places; more are `overloaded` (as many reads; more are `unavailable`). */
  readonly queueLengthMax: number;
  /** Below the server's 1 MiB: the rest is for what this adapter adds to `appendEventsMax` events. */
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  /** A call that has no answer after this: an append's outcome is then unknown. */
  readonly deadlineMs: number;
  /** `openEventStoreDb` waits so long for a server. */
  readonly openMs: number;
  /** Events that a subscription reads ahead of its consumer. */
  readonly readAheadMax: number;
  /** A subscription connects again for so long, then `next` throws `unavailable`. */
  readonly giveUpMs: number;
}

export const LIMITS_DEFAULT: EventStoreDbLimits = {
  inFlightMax: 40,
  queueLengthMax: 16_384,
  appendBytesMax: 896_000,
  appendEventsMax: 1_000,
  deadlineMs: 10_000,
  openMs: 30_000,
  readAheadMax: 2_000,
  giveUpMs: 30_000,
};
