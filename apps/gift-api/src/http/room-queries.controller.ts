import type { ListAnswer, ReceiptAnswer, RoomDetailsAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetRoom, ListRoomGifts, ListRooms } from '../queries/room.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery, RoomsQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');
const ROOMS = compileTextValidator(RoomsQuery, 'query');

@Controller('v1/rooms')
export class RoomQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  rooms(@Req() request: FastifyRequest): Promise<ListAnswer<RoomDetailsAnswer>> {
    const query = readQuery<RoomsQuery>(request, ROOMS);
    const { creatorId, state } = query;
    return this.queries.execute(new ListRooms({ creatorId, state }, pageOf(query)));
  }

  @Get(':roomId')
  room(@Param('roomId') roomId: string, @Req() request: FastifyRequest): Promise<RoomDetailsAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetRoom(roomId, after));
  }

  @Get(':roomId/gifts')
  gifts(@Param('roomId') roomId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListRoomGifts(roomId, page));
  }
}
