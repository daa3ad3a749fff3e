/** Coins and diamonds are integers; a hundred diamonds are worth one coin. Never a fraction, never above 2^53. */
export type Coins = number;
export type Diamonds = number;

/** One command moves at most this many coins. */
export const COMMAND_COINS_MAX: Coins = 1_000_000_000;
/** A wallet holds at most this many coins. */
export const WALLET_COINS_MAX: Coins = 1_000_000_000_000;
/** A creator earns at most this many diamonds: what a number holds exactly. */
export const CREATOR_DIAMONDS_MAX: Diamonds = Number.MAX_SAFE_INTEGER;
/**
 * From so many diamonds on a creator gets no more gifts. The other half of the range is for gifts under way, so that
 * what was accepted can always be credited.
 */
export const CREATOR_LIMIT_DIAMONDS: Diamonds = 2 ** 52;
export const DIAMONDS_PER_COIN = 100;
/** A creator's share in basis points (hundredths of a percent): half. */
export const CREATOR_SHARE_BPS_DEFAULT = 5_000;

/** What a creator earns for `coins`, rounded down per gift; exact, since coins x bps stays below 2^53. */
export function diamondsFor(coins: Coins, creatorShareBps: number): Diamonds {
  return Math.floor((coins * creatorShareBps) / DIAMONDS_PER_COIN);
}

/** The platform's part of a gift, in diamonds: what the creator's share leaves. */
export function platformDiamonds(coins: Coins, diamonds: Diamonds): Diamonds {
  return coins * DIAMONDS_PER_COIN - diamonds;
}

/**
 * The sum of two totals for display. Exact up to 2^53 - 1, which is where it stays: past it a number would be wrong in
 * silence. Money never gets there (wallets and creators have limits); a total over many of them could.
 */
export function boundedSum(total: number, added: number): number {
  return Math.min(total + added, Number.MAX_SAFE_INTEGER);
}

/** Money of the outside world: integer minor units and an ISO 4217 code. */
export interface Money {
  readonly amountMinor: number;
  readonly currency: string;
}
