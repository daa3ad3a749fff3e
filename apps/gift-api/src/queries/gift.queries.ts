import type { CatalogueGiftAnswer, ReceiptAnswer } from '@livegift/contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Catalogue } from '../catalogue/catalogue.js';
import { ProblemError } from '../http/problem.js';
import { ReadYourWrites } from './read-your-writes.js';
import { Receipts } from './receipts.js';

export class GetGift extends Query<ReceiptAnswer> {
  constructor(
    readonly giftId: string,
    readonly after?: string,
  ) {
    super();
  }
}

export class ListCatalogueGifts extends Query<{ readonly items: readonly CatalogueGiftAnswer[] }> {
  constructor(readonly after?: string) {
    super();
  }
}

@QueryHandler(GetGift)
export class GetGiftHandler implements IQueryHandler<GetGift> {
  constructor(
    private readonly receipts: Receipts,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  async execute({ giftId, after }: GetGift): Promise<ReceiptAnswer> {
    await this.readYourWrites.logReaches(after);
    const gift = await this.receipts.gift(giftId);
    if (gift === null) throw new ProblemError('gift-not-found', `there is no gift ${giftId}`);
    const [receipt] = await this.receipts.receiptsOf([gift]);
    return receipt as ReceiptAnswer;
  }
}

@QueryHandler(ListCatalogueGifts)
export class ListCatalogueGiftsHandler implements IQueryHandler<ListCatalogueGifts> {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  async execute({ after }: ListCatalogueGifts): Promise<{ readonly items: readonly CatalogueGiftAnswer[] }> {
    await this.readYourWrites.logReaches(after);
    const gifts = await this.catalogue.gifts();
    return { items: gifts.map(({ name, title, coins, tier, icon }) => ({ name, title, coins, tier, icon })) };
  }
}
