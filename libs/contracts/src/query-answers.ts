/** What queries answer, beside `answers.ts`. Every field is always there; an absent value is null. */

export interface WalletDetailsAnswer {
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
  readonly coins: number;
  readonly purchasedCoins: number;
  readonly spentCoins: number;
  readonly position: string;
}

export interface PurchaseReceiptAnswer {
  readonly purchaseId: string;
  readonly viewerId: string;
  readonly coins: number;
  /** Coins held after it. */
  readonly balance: number;
  /** Null for imported history. */
  readonly price: { readonly amountMinor: number; readonly currency: string } | null;
  readonly provider: string;
  readonly paymentId: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly position: string;
}

export interface CreatorAnswer {
  readonly creatorId: string;
  /** Earned by gifts so far. */
  readonly diamonds: number;
  /** Already credited to the balance. */
  readonly creditedDiamonds: number;
  readonly giftCount: number;
  readonly coinsReceived: number;
  readonly position: string;
}

export interface RoomDetailsAnswer {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly state: 'open' | 'closed';
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly giftCount: number;
  readonly coins: number;
  readonly diamonds: number;
  readonly position: string;
}

/** Newest first; `nextCursor` is null at the end. */
export interface ListAnswer<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface CatalogueGiftAnswer {
  readonly name: string;
  readonly title: string;
  readonly coins: number;
  readonly tier: 'small' | 'medium' | 'large' | 'grand';
  readonly icon: string;
}

export interface BoardEntryAnswer {
  readonly rank: number;
  readonly id: string;
  readonly name: string | null;
  readonly score: number;
  readonly reachedAt: string;
}

export interface BoardAnswer {
  /** `room-gifters:<roomId>`, `creator-gifters:<creatorId>`, `creators` or `gifters`. */
  readonly board: string;
  readonly window: {
    readonly name: 'hour' | 'day' | 'week' | 'month' | 'all';
    /** Both null for `all`; `endsAt` is the start of the next period. */
    readonly startsAt: string | null;
    readonly endsAt: string | null;
    readonly utcOffset: string;
  };
  readonly entries: readonly BoardEntryAnswer[];
  readonly member: BoardEntryAnswer | null;
  readonly total: number;
  /** Null while nothing has been read. */
  readonly position: string | null;
}
