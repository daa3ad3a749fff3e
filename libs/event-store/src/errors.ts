export type EventStoreErrorCode =
  /** The stream was not at the expected revision; nothing was written. `actual` says where it is. */
  | 'wrong-expected-revision'
  /** More than `appendBytesMax` or `appendEventsMax`; nothing was written. Split and call again. */
  | 'append-too-large'
  /** The append may or may not have happened. Never repeat it blindly: reload and look. */
  | 'append-outcome-unknown'
  /** The store cannot be reached, or is closed; for an append: nothing was written. */
  | 'unavailable'
  /** More appends are waiting than the store admits; nothing was written. */
  | 'overloaded'
  /** Bytes on disk are not what was written; `message` names the place. */
  | 'damaged'
  /** Another process holds the store; `message` names it. */
  | 'held'
  /** The checkpoint is of another store, or no record of this one begins there: rebuild. */
  | 'checkpoint-foreign'
  /** The checkpoint lies beyond the end of the log: rebuild. */
  | 'checkpoint-beyond-end';

export class EventStoreError extends Error {
  override readonly name = 'EventStoreError';

  constructor(
    readonly code: EventStoreErrorCode,
    message: string,
    readonly actual?: 'no-stream' | number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
