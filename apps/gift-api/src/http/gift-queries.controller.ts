import type { CatalogueGiftAnswer, ReceiptAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetGift, ListCatalogueGifts } from '../queries/gift.queries.js';
import { readQuery } from './query-request.js';
import { AfterQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe, PathId } from './openapi/describe.decorator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');

@Controller('v1')
export class GiftQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @PathId('giftId', 'ann.3', '^[A-Za-z0-9._-]{1,97}$')
  @Describe({
    tag: 'gifts',
    summary: 'The receipt of a gift',
    query: AfterQuery,
    answers: { 200: { one: 'Receipt', says: 'The receipt; `creditedAt` is null until the creator was credited.' } },
    problems: ['gift-not-found', 'read-model-behind'],
  })
  @Get('gifts/:giftId')
  gift(@Param('giftId') giftId: string, @Req() request: FastifyRequest): Promise<ReceiptAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetGift(giftId, after));
  }

  @Describe({
    tag: 'gifts',
    summary: 'What can be sent',
    query: AfterQuery,
    answers: { 200: { items: 'CatalogueGift', says: 'The gifts on offer.' } },
    problems: ['read-model-behind'],
  })
  @Get('catalogue/gifts')
  catalogue(@Req() request: FastifyRequest): Promise<{ readonly items: readonly CatalogueGiftAnswer[] }> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new ListCatalogueGifts(after));
  }
}
