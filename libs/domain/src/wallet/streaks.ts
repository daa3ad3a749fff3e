import { parseInstant, type Coins, type GiftId, type Instant } from '@livegift/kernel';
import type { Streak } from './wallet.events.js';

/** No deployment may configure a longer `streakWindowMs`: wallets forget streaks that are older. */
export const STREAK_WINDOW_MS_MAX = 60_000;

interface StreakSoFar extends Streak {
  readonly lastAt: Instant;
}

/**
 * The streak on a gift sent at `occurredAt`: `last` goes on when the gift comes 0 to `streakWindowMs` after its last one,
 * else (also when the clock went back) a new one begins, named after this gift.
 */
export function streakAfter(
  last: StreakSoFar | undefined,
  giftId: GiftId,
  quantity: number,
  coins: Coins,
  occurredAt: Instant,
  streakWindowMs: number,
): Streak {
  if (last === undefined || !follows(last.lastAt, occurredAt, streakWindowMs)) {
    return { id: giftId, count: quantity, coins };
  }
  return { id: last.id, count: last.count + quantity, coins: last.coins + coins };
}

function follows(lastAt: Instant, occurredAt: Instant, streakWindowMs: number): boolean {
  if (lastAt === occurredAt) return true;
  const gapMs = instantMs(occurredAt) - instantMs(lastAt);
  return gapMs >= 0 && gapMs <= Math.min(streakWindowMs, STREAK_WINDOW_MS_MAX);
}

/** NaN for what is no time, which follows nothing. */
export function instantMs(at: Instant): number {
  return parseInstant(at) ?? Number.NaN;
}
