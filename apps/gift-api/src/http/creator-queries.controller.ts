import type { CreatorAnswer, ListAnswer, ReceiptAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetCreator, ListCreatorGifts } from '../queries/creator.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');

@Controller('v1/creators/:creatorId')
export class CreatorQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  creator(@Param('creatorId') creatorId: string, @Req() request: FastifyRequest): Promise<CreatorAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetCreator(creatorId, after));
  }

  @Get('gifts')
  gifts(@Param('creatorId') creatorId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListCreatorGifts(creatorId, page));
  }
}
