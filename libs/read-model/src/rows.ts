import { isEarlier, type Instant } from '@livegift/kernel';
import type { CreatorRow, RoomRow, WalletRow } from './read-model.js';

/** What a row is before its first write: added fields count from here. */
export const emptyWalletRow = (viewerId: string): WalletRow => ({
  viewerId,
  region: 'ZZ',
  ageAssured: false,
  coins: 0,
  purchasedCoins: 0,
  spentCoins: 0,
  lastGiftRevision: null,
  lastPurchaseRevision: null,
});

export const emptyCreatorRow = (creatorId: string): CreatorRow => ({
  creatorId,
  diamonds: 0,
  creditedDiamonds: 0,
  giftCount: 0,
  coinsReceived: 0,
  lastCreditRevision: null,
});

export const emptyRoomRow = (roomId: string): RoomRow => ({
  roomId,
  creatorId: '',
  title: null,
  state: 'open',
  openedAt: '',
  closedAt: null,
  imported: false,
  lastGiftPosition: null,
  giftCount: 0,
  coins: 0,
  diamonds: 0,
});

/** When a room was open, as `widenRoom` changes it. */
export interface RoomSpan {
  readonly imported: boolean;
  openedAt: Instant;
  closedAt: Instant | null;
}

/** A room that history opened reaches from the earliest to the latest of its gifts; one that was live stays as it was. */
export function widenRoom(room: RoomSpan, happenedAt: Instant): void {
  if (!room.imported) return;
  if (isEarlier(happenedAt, room.openedAt)) room.openedAt = happenedAt;
  if (room.closedAt === null || isEarlier(room.closedAt, happenedAt)) room.closedAt = happenedAt;
}
