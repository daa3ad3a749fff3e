import type { Coins, GiftId, Instant } from '@livegift/kernel';
import type { GiftSent, WalletEvent } from './wallet.events.js';
import { gapMs, STREAK_WINDOW_MS_MAX } from './streaks.js';

/** Change it whenever the shape or the meaning of `WalletState` changes: older snapshots are then dropped. */
export const WALLET_STATE_VERSION = 1;

/** A wallet remembers this many (room, gift) pairs that a streak may go on in; the longest untouched one goes first. */
export const STREAKS_TRACKED_MAX = 64;

/** Below this many remembered streaks it is not worth looking which have run out. */
const STREAKS_KEPT_UNCHECKED_MAX = 8;

/** A streak that may still go on. */
export interface TrackedStreak {
  readonly roomId: string;
  readonly gift: string;
  readonly id: GiftId;
  readonly count: number;
  readonly coins: Coins;
  readonly lastAt: Instant;
}

/** Plain JSON, since it is snapshotted. A wallet that does not exist has `opened: false` and no revision. */
export interface WalletState {
  readonly opened: boolean;
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
  readonly frozen: boolean;
  readonly coins: Coins;
  readonly purchasedCoins: Coins;
  readonly spentCoins: Coins;
  /** Events so far, so the revision of the next one: gifts' and purchases' ids are made from it. */
  readonly nextRevision: number;
  /** Least recently continued first. */
  readonly streaks: readonly TrackedStreak[];
}

export const walletInitialState: WalletState = {
  opened: false,
  viewerId: '',
  region: '',
  ageAssured: false,
  frozen: false,
  coins: 0,
  purchasedCoins: 0,
  spentCoins: 0,
  nextRevision: 0,
  streaks: [],
};

/** Every event counts a revision, also one of a type that this code does not know. */
export function evolveWallet(state: WalletState, event: WalletEvent): WalletState {
  switch (event.type) {
    case 'GiftSent':
      return afterGift(state, event.data);
    case 'CoinsPurchased': {
      const { coins } = event.data;
      return {
        ...state,
        coins: state.coins + coins,
        purchasedCoins: state.purchasedCoins + coins,
        nextRevision: state.nextRevision + 1,
      };
    }
    case 'WalletOpened': {
      const { viewerId, region, ageAssured } = event.data;
      return { ...state, opened: true, viewerId, region, ageAssured, nextRevision: state.nextRevision + 1 };
    }
    case 'ViewerDetailsChanged': {
      const { region, ageAssured } = event.data;
      return { ...state, region, ageAssured, nextRevision: state.nextRevision + 1 };
    }
    default:
      return { ...state, nextRevision: state.nextRevision + 1 };
  }
}

/** Spelled out rather than spread: this runs once for every gift, and one literal keeps one hidden class. */
function afterGift(state: WalletState, gift: GiftSent['data']): WalletState {
  return {
    opened: state.opened,
    viewerId: state.viewerId,
    region: state.region,
    ageAssured: state.ageAssured,
    frozen: state.frozen,
    coins: state.coins - gift.coins,
    purchasedCoins: state.purchasedCoins,
    spentCoins: state.spentCoins + gift.coins,
    nextRevision: state.nextRevision + 1,
    streaks: gift.streak === null ? state.streaks : withStreak(state.streaks, gift),
  };
}

function withStreak(streaks: readonly TrackedStreak[], gift: GiftSent['data']): readonly TrackedStreak[] {
  const { id, count, coins } = gift.streak!;
  const newest: TrackedStreak = { roomId: gift.roomId, gift: gift.gift, id, count, coins, lastAt: gift.occurredAt };
  const index = indexOfStreak(streaks, gift.roomId, gift.gift);
  const kept: TrackedStreak[] = [];
  for (let i = index === -1 ? firstWorthKeeping(streaks, gift.occurredAt) : 0; i < streaks.length; i++) {
    if (i !== index) kept.push(streaks[i]!);
  }
  kept.push(newest);
  return kept;
}

/** Where the streak of this gift in this room stands, or -1. From the end: a run of one gift is the usual case. */
export function indexOfStreak(streaks: readonly TrackedStreak[], roomId: string, gift: string): number {
  for (let i = streaks.length - 1; i >= 0; i--) {
    const streak = streaks[i]!;
    if (streak.gift === gift && streak.roomId === roomId) return i;
  }
  return -1;
}

/** What no configured window can continue is let go before the bound has to push out one that could go on. */
function firstWorthKeeping(streaks: readonly TrackedStreak[], now: Instant): number {
  if (streaks.length < STREAKS_KEPT_UNCHECKED_MAX) return 0;
  let first = streaks.length >= STREAKS_TRACKED_MAX ? streaks.length - STREAKS_TRACKED_MAX + 1 : 0;
  while (first < streaks.length && gapMs(streaks[first]!.lastAt, now) > STREAK_WINDOW_MS_MAX) first++;
  return first;
}
