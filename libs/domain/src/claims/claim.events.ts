import type { Coins, DomainEvent, Instant, Money } from '@livegift/kernel';

/**
 * A payment makes coins once, across all wallets: its stream takes one claim at a time. It carries the whole purchase, so that any
 * process can finish it, and where to look whether somebody has.
 */
export type PaymentClaimed = DomainEvent<
  'PaymentClaimed',
  {
    readonly provider: string;
    readonly paymentId: string;
    readonly viewerId: string;
    readonly coins: Coins;
    readonly price: Money;
    /** The command's idempotency key and body hash: its CoinsPurchased will carry them. */
    readonly idempotencyKey: string;
    readonly bodyHash: string;
    /** The wallet's revision when it was claimed: its CoinsPurchased stands after it. */
    readonly walletRevision: number;
    readonly occurredAt: Instant;
  }
>;

/**
 * The claim before it in the stream can never make coins, since another command has used its idempotency key in the wallet
 * meanwhile. The payment is free again, for a command with a key of its own.
 */
export type PaymentReleased = DomainEvent<
  'PaymentReleased',
  {
    readonly provider: string;
    readonly paymentId: string;
    readonly viewerId: string;
    readonly idempotencyKey: string;
    readonly occurredAt: Instant;
  }
>;

/** One line of imported history counts once, for ever. */
export type HistoryClaimed = DomainEvent<
  'HistoryClaimed',
  {
    readonly importId: string;
    readonly roomId: string;
    readonly creatorId: string;
    readonly viewerId: string;
    readonly coins: Coins;
    /** The wallet's revision when it was claimed, -1 for none: its events stand after it. */
    readonly walletRevision: number;
    /** Business time: the line's `at`. */
    readonly occurredAt: Instant;
  }
>;

export type ClaimEvent = PaymentClaimed | HistoryClaimed;

/** Percent-encoded, so that any printable paymentId makes a plain stream name. */
export const paymentStream = (provider: string, paymentId: string): string =>
  `payment-${provider}-${encodeURIComponent(paymentId)}`;
export const importStream = (importId: string): string => `import-${importId}`;
