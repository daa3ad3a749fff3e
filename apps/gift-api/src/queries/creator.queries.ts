import type { CreatorAnswer, ListAnswer, ReceiptAnswer } from '@livegift/contracts';
import { creatorStream, type DiamondsCredited } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { Answer, CreatorRow, ReadModel } from '@livegift/read-model';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ProblemError } from '../http/problem.js';
import { badCursor, cursorAt, revisionOfCursor } from './cursor.js';
import { ReadYourWrites } from './read-your-writes.js';
import { receiptOf, Receipts } from './receipts.js';
import { walkType } from './type-walk.js';
import type { PageRequest } from './wallet.queries.js';

export class GetCreator extends Query<CreatorAnswer> {
  constructor(
    readonly creatorId: string,
    readonly after?: string,
  ) {
    super();
  }
}

export class ListCreatorGifts extends Query<ListAnswer<ReceiptAnswer>> {
  constructor(
    readonly creatorId: string,
    readonly page: PageRequest,
  ) {
    super();
  }
}

/** Reads a creator's totals, and the gifts behind the credits. */
export class CreatorReads {
  constructor(
    private readonly store: EventStore,
    private readonly readModel: ReadModel,
    private readonly readYourWrites: ReadYourWrites,
    private readonly receipts: Receipts,
  ) {}

  async details(creatorId: string, after: string | undefined): Promise<CreatorAnswer> {
    const { row, position } = await this.row(creatorId, after);
    const { diamonds, creditedDiamonds, giftCount, coinsReceived } = row;
    return { creatorId, diamonds, creditedDiamonds, giftCount, coinsReceived, position: position ?? '' };
  }

  async gifts(creatorId: string, request: PageRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const { row } = await this.row(creatorId, request.after);
    const from = request.cursor === undefined ? row.lastCreditRevision : revisionOfCursor(request.cursor);
    const page = await walkType(this.store, creatorStream(creatorId), 'DiamondsCredited', from, request.limit);
    if (page === null) throw badCursor();
    const receipts = await Promise.all(
      page.events.map(async ({ data, metadata }) => {
        const gift = await this.receipts.gift((data as DiamondsCredited['data']).giftId);
        return gift === null ? null : receiptOf(gift, metadata.recordedAt);
      }),
    );
    const items = receipts.filter((receipt) => receipt !== null);
    return { items, nextCursor: page.nextRevision === null ? null : cursorAt('r', page.nextRevision) };
  }

  async row(creatorId: string, after: string | undefined): Promise<Answer<CreatorRow>> {
    await this.readYourWrites.readModelReaches({ creator: creatorId }, after);
    const answer = await this.readModel.creator(creatorId);
    if (answer === null) throw new ProblemError('creator-not-found', `there is no creator ${creatorId}`);
    return answer;
  }
}

@QueryHandler(GetCreator)
export class GetCreatorHandler implements IQueryHandler<GetCreator> {
  constructor(private readonly creators: CreatorReads) {}

  execute({ creatorId, after }: GetCreator): Promise<CreatorAnswer> {
    return this.creators.details(creatorId, after);
  }
}

@QueryHandler(ListCreatorGifts)
export class ListCreatorGiftsHandler implements IQueryHandler<ListCreatorGifts> {
  constructor(private readonly creators: CreatorReads) {}

  execute({ creatorId, page }: ListCreatorGifts): Promise<ListAnswer<ReceiptAnswer>> {
    return this.creators.gifts(creatorId, page);
  }
}
