import type { LogEvent } from './api-client.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type WindowName = 'hour' | 'day' | 'week' | 'month' | 'all';
export const WINDOWS: readonly WindowName[] = ['hour', 'day', 'week', 'month', 'all'];

export interface FoldedGift {
  readonly giftId: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly coins: number;
  readonly diamonds: number;
  readonly occurredAt: string;
  readonly position: string;
  readonly imported: boolean;
}

export interface FoldedEntry {
  readonly rank: number;
  readonly id: string;
  readonly score: number;
  readonly reachedAt: string;
}

export interface FoldedBoard {
  readonly entries: readonly FoldedEntry[];
  readonly total: number;
}

interface FoldedWallet {
  coins: number;
  purchasedCoins: number;
  spentCoins: number;
}

interface FoldedCreator {
  diamonds: number;
  creditedDiamonds: number;
  giftCount: number;
  coinsReceived: number;
}

/**
 * A small program of its own that folds the outside log. It shares no code with the engine and takes the slow, plain way:
 * a board is made from all gifts each time.
 */
export class LogFold {
  readonly gifts: FoldedGift[] = [];
  readonly wallets = new Map<string, FoldedWallet>();
  readonly creators = new Map<string, FoldedCreator>();
  readonly rooms = new Map<string, { creatorId: string; state: 'open' | 'closed' }>();
  readonly credits = new Map<string, number>();

  constructor(events: readonly LogEvent[]) {
    for (const event of events) this.#fold(event);
  }

  #fold({ type, data, position, occurredAt }: LogEvent): void {
    switch (type) {
      case 'WalletOpened':
        this.wallets.set(String(data['viewerId']), { coins: 0, purchasedCoins: 0, spentCoins: 0 });
        break;
      case 'CoinsPurchased': {
        const wallet = this.wallets.get(String(data['viewerId']))!;
        wallet.coins += Number(data['coins']);
        wallet.purchasedCoins += Number(data['coins']);
        break;
      }
      case 'GiftSent':
        this.#foldGift({ ...(data as unknown as FoldedGift), position, occurredAt });
        break;
      case 'DiamondsCredited': {
        const giftId = String(data['giftId']);
        this.credits.set(giftId, (this.credits.get(giftId) ?? 0) + 1);
        this.#creator(String(data['creatorId'])).creditedDiamonds += Number(data['diamonds']);
        break;
      }
      case 'CreatorRegistered':
        this.#creator(String(data['creatorId']));
        break;
      case 'RoomOpened':
        this.rooms.set(String(data['roomId']), {
          creatorId: String(data['creatorId']),
          state: data['imported'] === true ? 'closed' : 'open',
        });
        break;
      case 'RoomClosed':
        this.rooms.get(String(data['roomId']))!.state = 'closed';
        break;
      default:
    }
  }

  #foldGift(gift: FoldedGift): void {
    this.gifts.push(gift);
    const wallet = this.wallets.get(gift.viewerId)!;
    wallet.coins -= gift.coins;
    wallet.spentCoins += gift.coins;
    const creator = this.#creator(gift.creatorId);
    creator.diamonds += gift.diamonds;
    creator.giftCount += 1;
    creator.coinsReceived += gift.coins;
  }

  #creator(creatorId: string): FoldedCreator {
    let creator = this.creators.get(creatorId);
    if (creator === undefined) {
      creator = { diamonds: 0, creditedDiamonds: 0, giftCount: 0, coinsReceived: 0 };
      this.creators.set(creatorId, creator);
    }
    return creator;
  }

  /**
   * @param board as its path under `/v1/leaderboards/`: `gifters`, `creators`, `rooms/<id>/gifters`, `creators/<id>/gifters`
   * @param at an instant in the period; UTC
   */
  board(board: string, window: WindowName, at: string, limit = 100): FoldedBoard {
    const [scope, id] = board.split('/');
    const scores = new Map<string, { score: number; reached: number; reachedAt: string }>();
    const period = periodStart(window, Date.parse(at));
    for (const [index, gift] of this.gifts.entries()) {
      if (periodStart(window, Date.parse(gift.occurredAt)) !== period) continue;
      if (id !== undefined && (scope === 'rooms' ? gift.roomId : gift.creatorId) !== id) continue;
      const byCreator = board === 'creators';
      const member = byCreator ? gift.creatorId : gift.viewerId;
      const amount = byCreator ? gift.diamonds : gift.coins;
      if (amount === 0) continue;
      const score = (scores.get(member)?.score ?? 0) + amount;
      scores.set(member, { score, reached: index, reachedAt: gift.occurredAt });
    }
    const ordered = [...scores].sort(([, a], [, b]) => b.score - a.score || a.reached - b.reached);
    const entries = ordered.slice(0, limit).map(([member, { score, reachedAt }], index) => ({
      rank: index + 1,
      id: member,
      score,
      reachedAt,
    }));
    return { entries, total: scores.size };
  }
}

/** Start of the UTC period that holds the instant. Weeks begin on Monday; 4 January 1970 was a Sunday. */
export function periodStart(window: WindowName, atMs: number): number {
  switch (window) {
    case 'all':
      return 0;
    case 'hour':
      return atMs - (atMs % HOUR_MS);
    case 'day':
      return atMs - (atMs % DAY_MS);
    case 'week': {
      const monday = Date.UTC(1970, 0, 5);
      return monday + Math.floor((atMs - monday) / (7 * DAY_MS)) * 7 * DAY_MS;
    }
    case 'month':
      return Date.UTC(new Date(atMs).getUTCFullYear(), new Date(atMs).getUTCMonth());
  }
}
