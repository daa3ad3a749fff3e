import type { Coins, Diamonds, DomainEvent, GiftId, Instant, Position } from '@livegift/kernel';

export type CreatorRegistered = DomainEvent<
  'CreatorRegistered',
  { readonly creatorId: string; readonly occurredAt: Instant }
>;

export type DiamondsCredited = DomainEvent<
  'DiamondsCredited',
  {
    readonly creatorId: string;
    readonly giftId: GiftId;
    /** Of the GiftSent that it credits; rises from credit to credit of one creator. */
    readonly giftPosition: Position;
    readonly roomId: string;
    readonly coins: Coins;
    readonly diamonds: Diamonds;
    /** Diamonds held after it. */
    readonly balance: Diamonds;
    readonly occurredAt: Instant;
  }
>;

export type CreatorEvent = CreatorRegistered | DiamondsCredited;

export const creatorStream = (creatorId: string): string => `creator-${creatorId}`;
