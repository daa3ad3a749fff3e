import type { ListAnswer, PurchaseReceiptAnswer, ReceiptAnswer, WalletDetailsAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetWallet, ListWalletGifts, ListWalletPurchases } from '../queries/wallet.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe, PathId } from './openapi/describe.decorator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');

@Controller('v1/wallets/:viewerId')
export class WalletQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @PathId('viewerId', 'ann')
  @Describe({
    tag: 'wallets',
    summary: 'A wallet and its coins',
    query: AfterQuery,
    answers: { 200: { one: 'WalletDetails', says: 'The wallet.' } },
    problems: ['wallet-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get()
  wallet(@Param('viewerId') viewerId: string, @Req() request: FastifyRequest): Promise<WalletDetailsAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetWallet(viewerId, after));
  }

  @PathId('viewerId', 'ann')
  @Describe({
    tag: 'wallets',
    summary: 'Gifts that a viewer has sent',
    query: PageQuery,
    answers: { 200: { list: 'Receipt', says: 'Receipts, newest first.' } },
    problems: ['wallet-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get('gifts')
  gifts(@Param('viewerId') viewerId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListWalletGifts(viewerId, page));
  }

  @PathId('viewerId', 'ann')
  @Describe({
    tag: 'wallets',
    summary: 'Coins that a viewer has bought',
    query: PageQuery,
    answers: { 200: { list: 'PurchaseReceipt', says: 'Purchases, newest first.' } },
    problems: ['wallet-not-found', 'read-model-rebuilding', 'read-model-behind'],
  })
  @Get('purchases')
  purchases(
    @Param('viewerId') viewerId: string,
    @Req() request: FastifyRequest,
  ): Promise<ListAnswer<PurchaseReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListWalletPurchases(viewerId, page));
  }
}
