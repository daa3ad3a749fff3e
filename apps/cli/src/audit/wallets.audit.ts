import type { CoinsPurchased, GiftSent, WalletConfirmed } from '@livegift/domain';
import type { StoreRestored } from '@livegift/event-store';
import {
  COMMAND_COINS_MAX,
  DIAMONDS_PER_COIN,
  diamondsFor,
  idAtRevision,
  isGeneration,
  platformDiamonds,
  type RecordedEvent,
} from '@livegift/kernel';
import { findingAt, type Report, type Rule } from './finding.js';
import { isWhole, wholeOrNone } from './whole-amounts.js';

interface WalletBooks {
  /** As the newest event states it. */
  held: number;
  /** Bought less spent: exact, while each of the two may pass 2^53 in a long life. */
  left: number;
  lastGift: number | null;
  lastPurchase: number | null;
}

/** Coins: bounds, shares, balances, conservation. One small record per wallet. */
export class WalletsAudit {
  readonly #wallets = new Map<string, WalletBooks>();
  readonly totals = { gifts: 0, bought: 0n, held: 0n, spent: 0n, diamonds: 0n, platformDiamonds: 0n };

  /** Of the history at this place of the log. */
  #generation: string | null = null;

  constructor(private readonly report: Report) {}

  restored(event: RecordedEvent): void {
    const { generation } = event.data as StoreRestored['data'];
    if (!isGeneration(generation)) this.#say(event, 'revisions', `${String(generation)} is no generation`);
    if (generation === this.#generation) this.#say(event, 'revisions', 'begins the generation that had begun already');
    this.#generation = generation;
  }

  get walletCount(): number {
    return this.#wallets.size;
  }

  opened(event: RecordedEvent): void {
    if (event.revision !== 0) this.#say(event, 'revisions', 'a wallet is opened by the first event of its stream');
    this.#books(event);
  }

  confirmed(event: RecordedEvent): void {
    const { balance } = event.data as WalletConfirmed['data'];
    this.#checkBalance(event, this.#books(event).held, balance);
  }

  purchased(event: RecordedEvent): void {
    const { coins, price, balance, purchaseId, viewerId } = event.data as CoinsPurchased['data'];
    const books = this.#books(event);
    this.#checkCoins(event, coins);
    const priced = price === null || (isWhole(price?.amountMinor, 0) && /^[A-Z]{3}$/.test(price?.currency));
    if (!priced) this.#say(event, 'whole-amounts', `a price of ${JSON.stringify(price)}`);
    this.#checkPlace(event, viewerId, purchaseId, books.lastPurchase);
    this.#checkBalance(event, books.held + coins, balance);
    books.lastPurchase = event.revision;
    books.left += coins;
    books.held = balance;
    this.totals.bought += wholeOrNone(coins);
  }

  giftSent(event: RecordedEvent): void {
    const gift = event.data as GiftSent['data'];
    const books = this.#books(event);
    this.#checkCoins(event, gift.coins);
    if (!isWhole(gift.quantity, 1) || !isWhole(gift.priceCoins, 1) || !isWhole(gift.diamonds, 0)) {
      this.#say(event, 'whole-amounts', `${gift.quantity} x ${gift.priceCoins} coins, ${gift.diamonds} diamonds`);
    }
    this.#checkShare(event, gift);
    this.#checkPlace(event, gift.viewerId, gift.giftId, books.lastGift);
    this.#checkBalance(event, books.held - gift.coins, gift.balance);
    books.lastGift = event.revision;
    books.left -= gift.coins;
    books.held = gift.balance;
    const { totals } = this;
    totals.gifts += 1;
    totals.spent += wholeOrNone(gift.coins);
    totals.diamonds += wholeOrNone(gift.diamonds);
    totals.platformDiamonds += wholeOrNone(platformDiamonds(gift.coins, gift.diamonds));
  }

  /** Conservation, over each wallet and over all of them. */
  finish(): void {
    const { totals, report } = this;
    for (const [stream, books] of this.#wallets) {
      totals.held += wholeOrNone(books.held);
      if (books.left === books.held) continue;
      const detail = `bought less spent is ${books.left}, but the wallet holds ${books.held}`;
      report({ rule: 'conservation', stream, revision: null, position: null, detail });
    }
    if (totals.bought !== totals.held + totals.spent) {
      const detail = `all wallets bought ${totals.bought}, but hold ${totals.held} and spent ${totals.spent}`;
      report({ rule: 'conservation', stream: null, revision: null, position: null, detail });
    }
    if (totals.spent * BigInt(DIAMONDS_PER_COIN) !== totals.diamonds + totals.platformDiamonds) {
      const detail = `${totals.spent} coins spent are not ${totals.diamonds} + ${totals.platformDiamonds} diamonds`;
      report({ rule: 'conservation', stream: null, revision: null, position: null, detail });
    }
  }

  #books(event: RecordedEvent): WalletBooks {
    let books = this.#wallets.get(event.stream);
    if (books === undefined) {
      books = { held: 0, left: 0, lastGift: null, lastPurchase: null };
      this.#wallets.set(event.stream, books);
      if (event.type !== 'WalletOpened') this.#say(event, 'revisions', `a wallet that begins with ${event.type}`);
    }
    return books;
  }

  #checkCoins(event: RecordedEvent, coins: number): void {
    if (isWhole(coins, 1) && coins <= COMMAND_COINS_MAX) return;
    this.#say(event, 'whole-amounts', `${coins} coins are not a whole number from 1 to ${COMMAND_COINS_MAX}`);
  }

  #checkShare(event: RecordedEvent, gift: GiftSent['data']): void {
    const { coins, quantity, priceCoins, creatorShareBps, diamonds } = gift;
    if (coins !== quantity * priceCoins) this.#say(event, 'share', `${quantity} x ${priceCoins} is not ${coins} coins`);
    if (!isWhole(creatorShareBps, 0) || creatorShareBps > 10_000) {
      this.#say(event, 'share', `a share of ${creatorShareBps} basis points`);
    } else if (diamonds !== diamondsFor(coins, creatorShareBps)) {
      const due = diamondsFor(coins, creatorShareBps);
      this.#say(
        event,
        'share',
        `${diamonds} diamonds for ${coins} coins at ${creatorShareBps} basis points; due are ${due}`,
      );
    }
  }

  #checkBalance(event: RecordedEvent, expected: number, stated: number): void {
    if (stated !== expected) {
      this.#say(event, 'no-negative-balance', `states a balance of ${stated}; its stream adds up to ${expected}`);
    }
    if (expected < 0 || stated < 0) {
      this.#say(event, 'no-negative-balance', `the wallet goes below zero, to ${Math.min(expected, stated)}`);
    }
  }

  /** A gift's and a purchase's id says where it stands, and each links to the one before. */
  #checkPlace(event: RecordedEvent, viewerId: string, id: string, previous: number | null): void {
    if (id !== idAtRevision(viewerId, event.revision, this.#generation) || event.stream !== `wallet-${viewerId}`) {
      this.#say(event, 'revisions', `${event.type} ${id} stands at ${event.stream} ${event.revision}`);
    }
    const linked = event.metadata.previousOfType;
    if (linked !== undefined && linked !== previous) {
      this.#say(event, 'revisions', `links to revision ${linked} as the ${event.type} before it, which is ${previous}`);
    }
  }

  #say(event: RecordedEvent, rule: Rule, detail: string): void {
    this.report(findingAt(event, rule, detail));
  }
}
