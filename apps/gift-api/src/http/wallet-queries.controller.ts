import type { ListAnswer, PurchaseReceiptAnswer, ReceiptAnswer, WalletDetailsAnswer } from '@livegift/contracts';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { GetWallet, ListWalletGifts, ListWalletPurchases } from '../queries/wallet.queries.js';
import { pageOf, readQuery } from './query-request.js';
import { AfterQuery, PageQuery } from './query-strings.js';
import { compileTextValidator } from './validation/compiled-validator.js';

const AFTER = compileTextValidator(AfterQuery, 'query');
const PAGE = compileTextValidator(PageQuery, 'query');

@Controller('v1/wallets/:viewerId')
export class WalletQueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  wallet(@Param('viewerId') viewerId: string, @Req() request: FastifyRequest): Promise<WalletDetailsAnswer> {
    const { after } = readQuery<AfterQuery>(request, AFTER);
    return this.queries.execute(new GetWallet(viewerId, after));
  }

  @Get('gifts')
  gifts(@Param('viewerId') viewerId: string, @Req() request: FastifyRequest): Promise<ListAnswer<ReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListWalletGifts(viewerId, page));
  }

  @Get('purchases')
  purchases(
    @Param('viewerId') viewerId: string,
    @Req() request: FastifyRequest,
  ): Promise<ListAnswer<PurchaseReceiptAnswer>> {
    const page = pageOf(readQuery<PageQuery>(request, PAGE));
    return this.queries.execute(new ListWalletPurchases(viewerId, page));
  }
}
