import type { ListAnswer, ReceiptAnswer, RoomDetailsAnswer } from '@livegift/contracts';
import type { Answer, ReadModel, RoomRow } from '@livegift/read-model';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ProblemError } from '../http/problem.js';
import { cursorAt, giftOfCursor, readModelCursorOf } from './cursor.js';
import { ReadYourWrites } from './read-your-writes.js';
import { Receipts } from './receipts.js';
import type { PageRequest } from './wallet.queries.js';

export class GetRoom extends Query<RoomDetailsAnswer> {
  constructor(
    readonly roomId: string,
    readonly after?: string,
  ) {
    super();
  }
}

export class ListRooms extends Query<ListAnswer<RoomDetailsAnswer>> {
  constructor(
    readonly filter: { readonly creatorId?: string; readonly state?: 'open' | 'closed' },
    readonly page: PageRequest,
  ) {
    super();
  }
}

export class ListRoomGifts extends Query<ListAnswer<ReceiptAnswer>> {
  constructor(
    readonly roomId: string,
    readonly page: PageRequest,
  ) {
    super();
  }
}

/** Reads rooms, and the newest gifts of one as far as its window reaches. */
export class RoomReads {
  constructor(
    private readonly readModel: ReadModel,
    private readonly readYourWrites: ReadYourWrites,
    private readonly receipts: Receipts,
  ) {}

  async row(roomId: string, after: string | undefined): Promise<Answer<RoomRow>> {
    await this.readYourWrites.readModelReaches({ room: roomId }, after);
    const answer = await this.readModel.room(roomId);
    if (answer === null) throw new ProblemError('room-not-found', `there is no room ${roomId}`);
    return answer;
  }

  async rooms({ filter, page }: ListRooms): Promise<ListAnswer<RoomDetailsAnswer>> {
    await this.readYourWrites.readModelReaches('rooms', page.after);
    const cursor = page.cursor === undefined ? undefined : readModelCursorOf(page.cursor);
    const { items, nextCursor, position } = await this.readModel.rooms({ ...filter, limit: page.limit, cursor });
    return {
      items: items.map((row) => roomOf(row, position)),
      nextCursor: nextCursor === null ? null : cursorAt('m', nextCursor),
    };
  }

  async gifts(roomId: string, { after, cursor, limit }: PageRequest): Promise<ListAnswer<ReceiptAnswer>> {
    await this.row(roomId, after);
    const { row: giftIds } = await this.readModel.roomGifts(roomId);
    const start = cursor === undefined ? 0 : startAfter(giftIds, giftOfCursor(cursor));
    const pageIds = giftIds.slice(start, start + limit);
    const gifts = await Promise.all(pageIds.map((giftId) => this.receipts.gift(giftId)));
    const items = await this.receipts.receiptsOf(gifts.filter((gift) => gift !== null));
    const last = pageIds.at(-1);
    const isEnd = last === undefined || start + limit >= giftIds.length;
    return { items, nextCursor: isEnd ? null : cursorAt('g', last) };
  }
}

/** Behind the last page's last gift, wherever newer ones have moved it; behind the end once it fell out of the window. */
function startAfter(giftIds: readonly string[], giftId: string): number {
  const index = giftIds.indexOf(giftId);
  return index === -1 ? giftIds.length : index + 1;
}

function roomOf(row: RoomRow, position: string | null): RoomDetailsAnswer {
  const { roomId, creatorId, title, state, openedAt, closedAt, giftCount, coins, diamonds } = row;
  return { roomId, creatorId, title, state, openedAt, closedAt, giftCount, coins, diamonds, position: position ?? '' };
}

@QueryHandler(GetRoom)
export class GetRoomHandler implements IQueryHandler<GetRoom> {
  constructor(private readonly rooms: RoomReads) {}

  async execute({ roomId, after }: GetRoom): Promise<RoomDetailsAnswer> {
    const { row, position } = await this.rooms.row(roomId, after);
    return roomOf(row, position);
  }
}

@QueryHandler(ListRooms)
export class ListRoomsHandler implements IQueryHandler<ListRooms> {
  constructor(private readonly rooms: RoomReads) {}

  execute(query: ListRooms): Promise<ListAnswer<RoomDetailsAnswer>> {
    return this.rooms.rooms(query);
  }
}

@QueryHandler(ListRoomGifts)
export class ListRoomGiftsHandler implements IQueryHandler<ListRoomGifts> {
  constructor(private readonly rooms: RoomReads) {}

  execute({ roomId, page }: ListRoomGifts): Promise<ListAnswer<ReceiptAnswer>> {
    return this.rooms.gifts(roomId, page);
  }
}
