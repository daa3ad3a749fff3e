import type { Position } from '@livegift/kernel';
import { NO_CELL } from './cell-table.js';
import { RoomGifts } from './room-gifts.js';
import type { WritableCreator, WritableRoom } from './row-writes.js';

/** A creator, and what its gifts come to over all time (for the board of creators). */
export class CreatorEntry {
  row: WritableCreator | null = null;
  /** In the order in which they were first seen. */
  readonly rooms: RoomEntry[] = [];
  diamonds = 0;
  reached = 0;
  reachedAtMs = 0;
  cellCount = 0;
  /** Standings of this creator's gifters that are kept now. */
  readonly standings: GiftListener[] = [];

  constructor(
    readonly index: number,
    readonly id: string,
  ) {}
}

export class RoomEntry {
  row: WritableRoom | null = null;
  /** A room has one creator: whom its first gift names. */
  creator: CreatorEntry | null = null;
  indexInCreator = 0;
  /** Newest cell; the others follow by `nextInRoom`, each older than the one before. */
  firstCell = NO_CELL;
  cellCount = 0;
  gifts: RoomGifts | null = null;
  /** Standings of this room's gifters that are kept now. */
  readonly standings: GiftListener[] = [];

  constructor(
    readonly index: number,
    readonly id: string,
  ) {}
}

/** The cells of one hour, newest first by `nextInHour`. */
export interface HourEntry {
  firstCell: number;
  cellCount: number;
}

/** A gift as it was just counted, for the standings that are kept. */
export interface CountedGift {
  room: RoomEntry;
  creator: CreatorEntry;
  viewer: number;
  cell: number;
  hour: number;
  coins: number;
  diamonds: number;
  position: number;
  occurredAtMs: number;
}

/** A standing, as gifts see it. */
export interface GiftListener {
  count(gift: CountedGift): void;
}

/** What of a creator cannot be made from elsewhere, as JSON. */
export interface SavedCreator {
  readonly id: string;
  readonly row: WritableCreator | null;
  /** Diamonds, position, time. */
  readonly earned: readonly [number, number, number];
}

/** And of a room. */
export interface SavedRoom {
  readonly id: string;
  readonly row: WritableRoom | null;
  /** Number of the creator, and which of the creator's rooms it is. */
  readonly creator: readonly [number, number] | null;
  readonly gifts: readonly number[] | null;
  readonly listed: { readonly creatorId: string; readonly opened: Position; readonly state: 'open' | 'closed' } | null;
}
