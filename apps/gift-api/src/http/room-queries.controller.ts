import type { ListAnswer, ReceiptAnswer, RoomDetailsAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetRoom, ListRoomGifts, ListRooms } from '../queries/room.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery, RoomsQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe, PathId } from './openapi/describe.decorator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');
const ROOMS = compileTextValidator(RoomsQuery, 'query');

@Controller('v1/rooms')
export class RoomQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Describe({
    tag: 'rooms',
    summary: 'Rooms',
    query: RoomsQuery,
    answers: { 200: { list: 'RoomDetails', says: 'Rooms, newest first.' } },
    problems: ['read-model-rebuilding', 'read-model-behind'],
  })
  @Get()
  rooms(@Req() request: FastifyRequest): Promise<ListAnswer<RoomDetailsAnswer>> {
    const query = readQuery<RoomsQuery>(request, ROOMS);
    const { creatorId, state } = query;
    return this.queries.execute(new ListRooms({ creatorId, state }, pageOf(query)));
  }

  @PathId('roomId', 'friday-night')
  @Describe({
    tag: 'rooms',
    summary: 'A room and what was sent into it',
    query: AfterQuery,
    answers: { 200: { one: 'RoomDetails', says: 'The room.' } },
    problems: ['room-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get(':roomId')
  room(@Param('roomId') roomId: string, @Req() request: FastifyRequest): Promise<RoomDetailsAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetRoom(roomId, after));
  }

  @PathId('roomId', 'friday-night')
  @Describe({
    tag: 'rooms',
    summary: "A room's newest gifts",
    description: "As far as the room's window reaches: at least its last thousand.",
    query: PageQuery,
    answers: { 200: { list: 'Receipt', says: 'Receipts, newest first.' } },
    problems: ['room-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get(':roomId/gifts')
  gifts(@Param('roomId') roomId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListRoomGifts(roomId, page));
  }
}
