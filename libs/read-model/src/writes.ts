import type { Instant, Position } from '@livegift/kernel';

export type RowTable = 'wallet' | 'creator' | 'room';

/** Sets and adds fields of one row, making it (added fields from 0) when it is not there. */
export interface RowWrite {
  readonly kind: 'row';
  readonly table: RowTable;
  readonly id: string;
  readonly set?: Readonly<Record<string, string | number | boolean | null>>;
  readonly add?: Readonly<Record<string, number>>;
  /** Of a room: a gift of imported history happened then, see `widenRoom`. */
  readonly happenedAt?: Instant;
}

/** A gift that counts on the four boards of `scoresOf` and in the room's newest gifts. */
export interface GiftScoredWrite {
  readonly kind: 'gift-scored';
  /** `<viewerId>.<revision>`, see `idAtRevision`. */
  readonly giftId: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly coins: number;
  readonly diamonds: number;
  readonly position: Position;
  readonly occurredAtMs: number;
  /** The sender's name, when it came with one; kept as the viewer's last. */
  readonly name: string | null;
}

/** Puts a room on the list of rooms, or changes its state there. */
export interface RoomListedWrite {
  readonly kind: 'room-listed';
  readonly roomId: string;
  readonly creatorId: string;
  readonly state: 'open' | 'closed';
  /** Of the RoomOpened: the order of the list. Null: the room is listed already, only its state changes. */
  readonly openedPosition: Position | null;
}

export type ReadModelWrite = RowWrite | GiftScoredWrite | RoomListedWrite;
