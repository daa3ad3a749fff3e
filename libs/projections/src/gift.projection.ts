import type { GiftSent } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import { instantMs } from './instant-ms.js';
import type { Recorded } from './recorded.js';

/** The wallet pays, the creator earns, the room counts, and the boards follow. */
export function projectGiftSent({ data, revision, position }: Recorded<GiftSent>): readonly ReadModelWrite[] {
  const { giftId, viewerId, creatorId, roomId, coins, diamonds, balance, sender, occurredAt } = data;
  return [
    {
      kind: 'row',
      table: 'wallet',
      id: viewerId,
      set: { coins: balance, lastGiftRevision: revision },
      add: { spentCoins: coins },
    },
    { kind: 'row', table: 'creator', id: creatorId, add: { diamonds, giftCount: 1, coinsReceived: coins } },
    { kind: 'row', table: 'room', id: roomId, add: { giftCount: 1, coins, diamonds } },
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
