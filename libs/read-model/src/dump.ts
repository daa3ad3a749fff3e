import { canonicalJson, type Position } from '@livegift/kernel';
import { boardKey, type Board, type WindowName } from './boards.js';
import type { CreatorRow, RoomRow, WalletRow } from './read-model.js';
import type { RowTable } from './writes.js';

/**
 * The lines of `ReadModel.dump`, in this order: wallets, creators, rooms by id; the list of rooms, newest first; of each
 * room by id its newest ROOM_GIFTS_MIN gift ids; names by viewer id; boards by key, of each the windows in the order of
 * WINDOWS, their periods from the oldest, the entries by rank. Ids in code-unit order. Expired periods are left out.
 */
export const dumpRow = (table: RowTable, row: WalletRow | CreatorRow | RoomRow): string =>
  `${table} ${canonicalJson(row)}`;

export const dumpListedRoom = (room: { roomId: string; creatorId: string; state: string }): string =>
  `rooms ${room.roomId} ${room.creatorId} ${room.state}`;

export const dumpRoomGifts = (roomId: string, giftIds: readonly string[]): string =>
  `room-gifts ${roomId} ${giftIds.join(' ')}`;

export const dumpName = (viewerId: string, name: string): string => `name ${viewerId} ${JSON.stringify(name)}`;

export const dumpBoardEntry = (entry: {
  readonly board: Board;
  readonly window: WindowName;
  readonly startsAtMs: number | null;
  readonly rank: number;
  readonly id: string;
  readonly score: number;
  /** Position at which the score was reached, as digits without leading zeros. */
  readonly reached: string;
  readonly reachedAtMs: number;
}): string =>
  `board ${boardKey(entry.board)} ${entry.window} ${entry.startsAtMs ?? '-'} ${entry.rank} ${entry.id} ${entry.score} ` +
  `${entry.reached} ${entry.reachedAtMs}`;

/** A position as `dumpBoardEntry` wants it. */
export const reachedDigits = (position: Position): string => position.replace(/^0+(?=\d)/, '');
