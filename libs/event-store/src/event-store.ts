import type { Checkpoint, NewEvent, Position, RecordedEvent } from '@livegift/kernel';

/** `no-stream`: the stream has no event yet. A number: the revision of its last event, exactly. */
export type ExpectedRevision = 'no-stream' | number;

export interface AppendResult {
  /** Revision of the last event appended. */
  readonly revision: number;
  /** One for each event, in order. */
  readonly positions: readonly Position[];
}

export interface OrderedAppend {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: ExpectedRevision;
}

/** Where an entry's last event stands; where the others do, not every store can say without reading them back. */
export interface Appended {
  readonly revision: number;
  readonly position: Position;
}

export interface OrderedAppendResult {
  /** Of the entries that were appended: a prefix of what was asked for. */
  readonly results: readonly Appended[];
  /** Why the entry after them was not (an `EventStoreError`); absent when all were. */
  readonly failure?: Error;
}

export interface ReadStreamOptions {
  /** First revision to read (inclusive); default the first, or backwards the last, of the stream. */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  /** At most this many events, 1 to `readEventsMax`. */
  readonly limit: number;
}

export interface ReadAllOptions {
  /** Excluded, always. Default: from the beginning (backwards: from the end). */
  readonly after?: Position | null;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit: number;
}

export interface SubscribeOptions {
  /** Where the consumer has got to; that position is excluded. Null: from the beginning. */
  readonly after: Checkpoint | null;
  /** Only events of these types; default all. */
  readonly types?: readonly string[];
  /** A batch holds at most this many events; default 1,000. */
  readonly batchEventsMax?: number;
}

export interface SubscriptionBatch {
  /** In order of position; may be empty. */
  readonly events: readonly RecordedEvent[];
  /**
   * How far the subscription has looked: at or after the last event's position, also where no event passed the filter.
   * A checkpoint may move here. Null only while the log is empty.
   */
  readonly through: Position | null;
  /** True: this batch reaches what was the end of the log when it was made. */
  readonly caughtUp: boolean;
}

/** Pulled, so that a slow consumer holds nobody up and nothing grows: the next batch is made when it is asked for. */
export interface Subscription {
  /**
   * The next batch: at once while there is something new (and once, perhaps empty, to say caught up), else when something
   * comes. Null after `close`. One call at a time.
   * @throws EventStoreError `unavailable` (subscribe again from the last `through`), `damaged`, `checkpoint-foreign` (what
   * was delivered is not in the log any more: a failover cut its tail off)
   */
  next(): Promise<SubscriptionBatch | null>;
  close(): void;
}

/** State derived from a stream, kept to shorten loading. Losing one costs time, never truth. */
export interface Snapshot {
  /** Which code wrote it; a reader drops what is not its own version. */
  readonly stateVersion: number;
  /** Revision and position of the last event that it contains. */
  readonly revision: number;
  readonly position: Position;
  readonly bytes: Uint8Array;
}

export interface EventReader {
  /**
   * Which history this is, as of when the store was opened: a UUID made with the store and, after a restore, its
   * generation (`historyIdFrom` of the newest event of `HISTORY_STREAM`).
   */
  readonly storeId: string;

  /** Events of one stream; empty when it has none there. @throws EventStoreError `unavailable`, `damaged` */
  readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]>;

  /** Events of the whole log. @throws EventStoreError `unavailable`, `damaged` */
  readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]>;

  /** Position of the newest durable event; null in an empty log. @throws EventStoreError `unavailable` */
  head(): Promise<Position | null>;

  /**
   * A catch-up subscription to the whole log that turns live without a gap or a repeat. Delivers only what is durable,
   * in order of position.
   * @throws EventStoreError `checkpoint-foreign`, `checkpoint-beyond-end`, `unavailable`
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
}

/**
 * An append-only log of events in streams. Promises, each with a case in `@livegift/event-store/contract`:
 *
 * - An append is all or nothing, and resolves only when its events are durable.
 * - Of several appends that expect one revision of a stream, at most one succeeds.
 * - Revisions of a stream count 0, 1, 2, … Positions rise over the whole log, in the order of revisions in each stream;
 *   they are decimal digits of one width and may have gaps.
 * - What was once read stays as it was, across restarts.
 * - Nothing is read or delivered before it is durable.
 * - Event ids are not looked at: a caller never repeats an append, it reloads and decides again.
 */
export interface EventStore extends EventReader {
  /** The largest append, in bytes of data and metadata as JSON. */
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  /** The largest `limit` of a read. */
  readonly readEventsMax: number;

  /**
   * @param events 1 to `appendEventsMax`, each with a type
   * @throws TypeError an empty stream name, an empty type, or no event: a mistake of the caller
   * @throws EventStoreError `wrong-expected-revision`, `append-too-large`, `append-outcome-unknown`, `unavailable`, `overloaded`
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;

  /**
   * Appends the entries one after the other: each is atomic on its own, positions rise in the order of entries, and
   * nothing after the first failure is attempted. Bounds hold per entry. Never rejects for a failed entry.
   */
  appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult>;

  /** The newest snapshot saved under `name`; null when there is none or it was damaged. @throws EventStoreError `unavailable` */
  loadSnapshot(name: string): Promise<Snapshot | null>;
  /** Replaces an older one; one that is older than what is there may be ignored. @throws EventStoreError `unavailable`, `append-too-large` */
  saveSnapshot(name: string, snapshot: Snapshot): Promise<void>;

  /**
   * A consumer's checkpoint; null when it has none. It may fall back after a crash. What a store keeps goes back with its
   * log, so after a restore it is one of the new history. @throws EventStoreError `unavailable`
   */
  loadCheckpoint(consumer: string): Promise<Checkpoint | null>;
  /** Null forgets it: the consumer begins anew. @throws EventStoreError `unavailable` */
  saveCheckpoint(consumer: string, position: Position | null): Promise<void>;

  /** Waits for appends under way, then refuses with `unavailable`; pending subscriptions end with null. */
  close(): Promise<void>;
}
