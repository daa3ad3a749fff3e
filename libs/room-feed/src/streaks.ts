import { boundedSum } from '@livegift/kernel';
import type { GiftMessage, StreakEndedFrame } from '@livegift/contracts';

interface OpenStreak {
  readonly id: string;
  readonly viewerId: string;
  readonly gift: string;
  count: number;
  coins: number;
  gifts: number;
  endsAtMs: number;
}

/** The parts of a gift that its streak is told from. */
export type StreakGift = Pick<GiftMessage, 'viewerId' | 'gift' | 'quantity' | 'coins' | 'streak'> & {
  readonly giftInfo: Pick<GiftMessage['giftInfo'], 'priceCoins'>;
};

/** The streaks of one room that have not ended yet, the one that ends first in front. */
export class RoomStreaks {
  readonly #open = new Map<string, OpenStreak>();

  constructor(
    private readonly endsAfterMs: number,
    private readonly streaksMax: number,
  ) {}

  /** Takes a gift in; answers what ended by it: its sender began another streak of the same gift, or there are too many. */
  add(gift: StreakGift, nowMs: number): readonly StreakEndedFrame[] {
    if (gift.streak === null) return [];
    const key = `${gift.viewerId} ${gift.gift}`;
    const known = this.#open.get(key);
    this.#open.delete(key);
    const ended: StreakEndedFrame[] = [];
    if (known !== undefined && known.id === gift.streak.id) {
      known.count = gift.streak.count;
      known.coins = boundedSum(known.coins, gift.coins);
      known.gifts += 1;
      known.endsAtMs = nowMs + this.endsAfterMs;
      this.#open.set(key, known);
      return ended;
    }
    if (known !== undefined) ended.push(...endOf(known));
    if (this.#open.size >= this.streaksMax) ended.push(...this.#endOldest());
    this.#open.set(key, begun(gift, gift.streak, nowMs + this.endsAfterMs));
    return ended;
  }

  /** When the next one ends, if no gift comes; null without one. */
  get nextEndMs(): number | null {
    for (const { endsAtMs } of this.#open.values()) return endsAtMs;
    return null;
  }

  /** What has ended by now, each once. */
  endedBy(nowMs: number): readonly StreakEndedFrame[] {
    const ended: StreakEndedFrame[] = [];
    while ((this.nextEndMs ?? Infinity) <= nowMs) ended.push(...this.#endOldest());
    return ended;
  }

  endAll(): readonly StreakEndedFrame[] {
    return this.endedBy(Number.MAX_SAFE_INTEGER);
  }

  #endOldest(): readonly StreakEndedFrame[] {
    for (const [key, oldest] of this.#open) {
      this.#open.delete(key);
      return endOf(oldest);
    }
    return [];
  }
}

function begun(
  gift: StreakGift,
  streak: { readonly id: string; readonly count: number },
  endsAtMs: number,
): OpenStreak {
  // Gifts before the first one seen here cost the same: a streak is of one gift.
  const unseen = streak.count - gift.quantity;
  return {
    id: streak.id,
    viewerId: gift.viewerId,
    gift: gift.gift,
    count: streak.count,
    coins: gift.coins + unseen * gift.giftInfo.priceCoins,
    gifts: unseen > 0 ? 2 : 1,
    endsAtMs,
  };
}

function endOf({ id, count, coins, gifts, viewerId, gift }: OpenStreak): readonly StreakEndedFrame[] {
  return gifts < 2 ? [] : [{ type: 'streak-ended', streak: { id, count, coins }, viewerId, gift }];
}
