import type { Coins, Diamonds, DomainEvent, GiftId, Instant, Money, PurchaseId } from '@livegift/kernel';

/** What stands on a gift about who sent it, as the platform shows it. */
export interface Sender {
  readonly name: string;
  readonly avatarUrl: string | null;
}

/** A run of the same gift by the same viewer in the same room. Sums are those up to and with this gift. */
export interface Streak {
  readonly id: GiftId;
  readonly count: number;
  readonly coins: Coins;
}

export type WalletOpened = DomainEvent<
  'WalletOpened',
  {
    readonly viewerId: string;
    /** ISO 3166-1 alpha-2, `ZZ` for unknown. */
    readonly region: string;
    readonly ageAssured: boolean;
    readonly imported: boolean;
    readonly occurredAt: Instant;
  }
>;

export type ViewerDetailsChanged = DomainEvent<
  'ViewerDetailsChanged',
  { readonly viewerId: string; readonly region: string; readonly ageAssured: boolean; readonly occurredAt: Instant }
>;

/** A command asked for what was so already. Changes nothing; stands for its idempotency key. */
export type WalletConfirmed = DomainEvent<
  'WalletConfirmed',
  {
    readonly viewerId: string;
    readonly region: string;
    readonly ageAssured: boolean;
    /** Coins held at that time. */
    readonly balance: Coins;
    readonly occurredAt: Instant;
  }
>;

export type CoinsPurchased = DomainEvent<
  'CoinsPurchased',
  {
    readonly purchaseId: PurchaseId;
    readonly viewerId: string;
    readonly coins: Coins;
    /** Null for imported history, which came without one. */
    readonly price: Money | null;
    readonly provider: string;
    /** The provider's own; for provider `import` the importId. */
    readonly paymentId: string;
    /** Coins held after it. */
    readonly balance: Coins;
    readonly occurredAt: Instant;
  }
>;

export type GiftSent = DomainEvent<
  'GiftSent',
  {
    readonly giftId: GiftId;
    readonly roomId: string;
    readonly creatorId: string;
    readonly viewerId: string;
    readonly gift: string;
    readonly quantity: number;
    readonly priceCoins: Coins;
    readonly coins: Coins;
    readonly creatorShareBps: number;
    readonly diamonds: Diamonds;
    /** Null on imported gifts. */
    readonly streak: Streak | null;
    readonly message: string | null;
    readonly sender: Sender | null;
    /** Coins held after it. */
    readonly balance: Coins;
    readonly imported: boolean;
    /** Null unless imported. */
    readonly importId: string | null;
    readonly occurredAt: Instant;
  }
>;

export type WalletEvent = WalletOpened | ViewerDetailsChanged | WalletConfirmed | CoinsPurchased | GiftSent;

export const walletStream = (viewerId: string): string => `wallet-${viewerId}`;
