import type { CreatorAnswer, ListAnswer, ReceiptAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetCreator, ListCreatorGifts } from '../queries/creator.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe, PathId } from './openapi/describe.decorator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');

@Controller('v1/creators/:creatorId')
export class CreatorQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @PathId('creatorId', 'bela')
  @Describe({
    tag: 'creators',
    summary: 'A creator and what was earned',
    query: AfterQuery,
    answers: { 200: { one: 'Creator', says: 'Earned so far, and credited already.' } },
    problems: ['creator-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get()
  creator(@Param('creatorId') creatorId: string, @Req() request: FastifyRequest): Promise<CreatorAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetCreator(creatorId, after));
  }

  @PathId('creatorId', 'bela')
  @Describe({
    tag: 'creators',
    summary: 'Gifts credited to a creator',
    query: PageQuery,
    answers: { 200: { list: 'Receipt', says: 'Receipts, newest credit first.' } },
    problems: ['creator-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get('gifts')
  gifts(@Param('creatorId') creatorId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListCreatorGifts(creatorId, page));
  }
}
