import type { GiftSent } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import { instantMs } from './instant-ms.js';
import type { Recorded } from './recorded.js';

/** The wallet pays, the creator earns, the room counts, and the boards follow. */
export function projectGiftSent({ data, revision, position }: Recorded<GiftSent>): readonly ReadModelWrite[] {
  const { giftId, viewerId, creatorId, roomId, coins, diamonds, balance, sender, imported, occurredAt } = data;
  const counted = { giftCount: 1, coins, diamonds };
  return [
    {
      kind: 'row',
      table: 'wallet',
      id: viewerId,
      set: { coins: balance, lastGiftRevision: revision },
      add: { spentCoins: coins },
    },
    { kind: 'row', table: 'creator', id: creatorId, add: { diamonds, giftCount: 1, coinsReceived: coins } },
    imported
      ? { kind: 'row', table: 'room', id: roomId, add: counted, happenedAt: occurredAt }
      : { kind: 'row', table: 'room', id: roomId, set: { lastGiftPosition: position }, add: counted },
    {
      kind: 'gift-scored',
      giftId,
      roomId,
      creatorId,
      viewerId,
      coins,
      diamonds,
      position,
      occurredAtMs: instantMs(occurredAt),
      name: sender === null ? null : sender.name,
    },
  ];
}
