import { stableHash, type Position } from '@livegift/kernel';
import { boardKey, scoresOf } from './boards.js';
import type { ReadModelSubject } from './read-model.js';

export type RowTable = 'wallet' | 'creator' | 'room';

/** Sets and adds fields of one row, making it (added fields from 0) when it is not there. */
export interface RowWrite {
  readonly kind: 'row';
  readonly table: RowTable;
  readonly id: string;
  readonly set?: Readonly<Record<string, string | number | boolean | null>>;
  readonly add?: Readonly<Record<string, number>>;
}

/** A gift that counts on the four boards of `scoresOf` and in the room's newest gifts. */
export interface GiftScoredWrite {
  readonly kind: 'gift-scored';
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
  /** Of the RoomOpened: the order of the list. */
  readonly openedPosition: Position;
}

export type ReadModelWrite = RowWrite | GiftScoredWrite | RoomListedWrite;

export function partitionOf(subject: ReadModelSubject, partitionCount: number): number {
  return partitionCount === 1 ? 0 : stableHash(subjectKey(subject)) % partitionCount;
}

function subjectKey(subject: ReadModelSubject): string {
  if (subject === 'rooms') return 'rooms';
  if ('wallet' in subject) return `wallet:${subject.wallet}`;
  if ('creator' in subject) return `creator:${subject.creator}`;
  if ('room' in subject) return `room:${subject.room}`;
  return boardKey(subject.board);
}

/** The partitions that a write touches, each once. The adapter applies in each only what lives there. */
export function partitionsOf(write: ReadModelWrite, partitionCount: number): readonly number[] {
  if (partitionCount === 1) return [0];
  switch (write.kind) {
    case 'row':
      return [partitionOf({ [write.table]: write.id } as unknown as ReadModelSubject, partitionCount)];
    case 'room-listed':
      return [partitionOf('rooms', partitionCount)];
    case 'gift-scored': {
      const boards = scoresOf(write).map(({ board }) => partitionOf({ board }, partitionCount));
      return [...new Set([...boards, partitionOf({ room: write.roomId }, partitionCount)])];
    }
  }
}
