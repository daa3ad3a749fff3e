import type { ListAnswer, PurchaseReceiptAnswer, ReceiptAnswer, WalletDetailsAnswer } from '@livegift/contracts';
import { walletStream } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { ReadModel, WalletRow } from '@livegift/read-model';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ProblemError } from '../http/problem.js';
import { badCursor, cursorAt, revisionOfCursor } from './cursor.js';
import { ReadYourWrites } from './read-your-writes.js';
import { purchaseOf, Receipts, type RecordedGift } from './receipts.js';
import { walkType, type TypePage } from './type-walk.js';

export interface PageRequest {
  readonly after?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export class GetWallet extends Query<WalletDetailsAnswer> {
  constructor(
    readonly viewerId: string,
    readonly after?: string,
  ) {
    super();
  }
}

export class ListWalletGifts extends Query<ListAnswer<ReceiptAnswer>> {
  constructor(
    readonly viewerId: string,
    readonly page: PageRequest,
  ) {
    super();
  }
}

export class ListWalletPurchases extends Query<ListAnswer<PurchaseReceiptAnswer>> {
  constructor(
    readonly viewerId: string,
    readonly page: PageRequest,
  ) {
    super();
  }
}

/** Reads a wallet's row, and from its newest revisions the wallet's history. */
export class WalletReads {
  constructor(
    private readonly store: EventStore,
    private readonly readModel: ReadModel,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  async details(viewerId: string, after: string | undefined): Promise<WalletDetailsAnswer> {
    const { row, position } = await this.#answer(viewerId, after);
    const { region, ageAssured, coins, purchasedCoins, spentCoins } = row;
    return { viewerId, region, ageAssured, coins, purchasedCoins, spentCoins, position };
  }

  async page(viewerId: string, request: PageRequest, type: 'GiftSent' | 'CoinsPurchased'): Promise<TypePage> {
    const { row } = await this.#answer(viewerId, request.after);
    const newest = type === 'GiftSent' ? row.lastGiftRevision : row.lastPurchaseRevision;
    const from = request.cursor === undefined ? newest : revisionOfCursor(request.cursor);
    const page = await walkType(this.store, walletStream(viewerId), type, from, request.limit);
    if (page === null) throw badCursor();
    return page;
  }

  async #answer(viewerId: string, after: string | undefined): Promise<{ row: WalletRow; position: string }> {
    await this.readYourWrites.readModelReaches({ wallet: viewerId }, after);
    const answer = await this.readModel.wallet(viewerId);
    if (answer === null) throw new ProblemError('wallet-not-found', `there is no wallet of ${viewerId}`);
    return { row: answer.row, position: answer.position ?? '' };
  }
}

@QueryHandler(GetWallet)
export class GetWalletHandler implements IQueryHandler<GetWallet> {
  constructor(private readonly wallets: WalletReads) {}

  execute({ viewerId, after }: GetWallet): Promise<WalletDetailsAnswer> {
    return this.wallets.details(viewerId, after);
  }
}

@QueryHandler(ListWalletGifts)
export class ListWalletGiftsHandler implements IQueryHandler<ListWalletGifts> {
  constructor(
    private readonly wallets: WalletReads,
    private readonly receipts: Receipts,
  ) {}

  async execute({ viewerId, page }: ListWalletGifts): Promise<ListAnswer<ReceiptAnswer>> {
    const { events, nextRevision } = await this.wallets.page(viewerId, page, 'GiftSent');
    const items = await this.receipts.receiptsOf(events as readonly RecordedGift[]);
    return { items, nextCursor: nextRevision === null ? null : cursorAt('r', nextRevision) };
  }
}

@QueryHandler(ListWalletPurchases)
export class ListWalletPurchasesHandler implements IQueryHandler<ListWalletPurchases> {
  constructor(private readonly wallets: WalletReads) {}

  async execute({ viewerId, page }: ListWalletPurchases): Promise<ListAnswer<PurchaseReceiptAnswer>> {
    const { events, nextRevision } = await this.wallets.page(viewerId, page, 'CoinsPurchased');
    const nextCursor = nextRevision === null ? null : cursorAt('r', nextRevision);
    return { items: events.map(purchaseOf), nextCursor };
  }
}
