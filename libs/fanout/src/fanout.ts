import type { Checkpoint, Position } from '@livegift/kernel';

/** One thing that happened in a live room, on its way to every gateway. */
export interface RoomMessage {
  readonly type: 'gift-sent' | 'room-opened' | 'room-closed';
  /** The giftId; for rooms the event's id. The same on a repeat. */
  readonly id: string;
  readonly roomId: string;
  /** Of which event store: positions of two stores do not compare. */
  readonly storeId: string;
  readonly position: Position;
  /** RFC 3339, UTC. */
  readonly occurredAt: string;
  /** The message's JSON: a gift frame without `frameId`, or `{ roomId, creatorId, title }`. */
  readonly body: string;
}

export type FanOutErrorCode =
  /** A later publisher of this source partition has taken over: close this one. */
  | 'fenced'
  /** The fan-out cannot be reached; for a publish the outcome is not known: open a new publisher and read its checkpoint. */
  | 'unavailable'
  /** The fan-out is not fit to carry rooms as it was set up: somebody has to mend it, trying again does not help. */
  | 'misconfigured';

export class FanOutError extends Error {
  override readonly name = 'FanOutError';

  constructor(
    readonly code: FanOutErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The only writer of one source partition. */
export interface FanOutPublisher {
  /** How far this source partition was published, committed, and of which event store; null: nothing ever. */
  readonly checkpoint: Checkpoint | null;
  /**
   * Messages (of rooms of this partition, in order of position; may be none) and the new checkpoint, all or nothing.
   * Where there was no checkpoint, a first call without messages says where this partition begins.
   * @throws FanOutError `fenced`, `unavailable` (also after `close`)
   */
  publish(messages: readonly RoomMessage[], checkpoint: Checkpoint): Promise<void>;
  close(): Promise<void>;
}

/** The subscription delivers every message of the source partition after `position`. */
export interface PartitionFloor {
  readonly sourcePartition: number;
  readonly position: Position;
}

export interface FanOutDelivery {
  readonly messages: readonly RoomMessage[];
  /**
   * For each source partition that anything was published to, at or before its first message; and once more, after the
   * messages before and before those that follow, where the fan-out itself has lost some. What is told to be lost is given
   * up by whoever reads: a message that is earlier than a floor and comes after it counts as a repeat.
   */
  readonly floors: readonly PartitionFloor[];
  /** True once everything that was there at the subscription has been delivered. */
  readonly caughtUp: boolean;
}

export interface FanOutSubscription {
  /**
   * The next delivery: at once the first time (perhaps empty, to say caught up), then when something comes. Null after
   * `close`. One call at a time.
   * @throws FanOutError `unavailable` (also when it fell behind what is kept: subscribe again)
   */
  next(): Promise<FanOutDelivery | null>;
  /** How far it has delivered, on the scale of `FanOut.end`. */
  reached(): number;
  close(): Promise<void>;
}

/**
 * Carries room messages from publishers to every subscriber. Promises, each with a case in `@livegift/fanout/contract`:
 *
 * - At least once, in order of position per source partition (so per room); a repeat has the same id.
 * - Messages and checkpoint become visible together; what was not committed is never delivered.
 * - Opening a publisher fences whoever was before, then reads the checkpoint.
 * - Every subscriber sees every room; one that is slow holds up nobody.
 * - A subscription says from which position on each source partition is complete.
 * - A subscription that has delivered everything has reached the `end`.
 */
export interface FanOut {
  /** Rooms are spread over these by `sourcePartitionOf`. */
  readonly sourcePartitionCount: number;
  /** @throws FanOutError `unavailable` */
  openPublisher(sourcePartition: number): Promise<FanOutPublisher>;
  /** From the messages published in the last `backMs`, as far as they are kept, then live. @throws FanOutError `unavailable` */
  subscribe(options: { readonly backMs: number }): Promise<FanOutSubscription>;
  /**
   * How much has ever been published, on a scale of its own that rises with every message. It also proves that the fan-out
   * answers and can carry rooms; where it is a server, what was deleted from it is made again here.
   * @throws FanOutError `unavailable`, `misconfigured`
   */
  end(): Promise<number>;
  close(): Promise<void>;
}
