import type { CatalogueGiftAnswer, ReceiptAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetGift, ListCatalogueGifts } from '../queries/gift.queries.js';
import { readQuery } from './query-request.js';
import { AfterQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');

@Controller('v1')
export class GiftQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Get('gifts/:giftId')
  gift(@Param('giftId') giftId: string, @Req() request: FastifyRequest): Promise<ReceiptAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetGift(giftId, after));
  }

  @Get('catalogue/gifts')
  catalogue(@Req() request: FastifyRequest): Promise<{ readonly items: readonly CatalogueGiftAnswer[] }> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new ListCatalogueGifts(after));
  }
}
