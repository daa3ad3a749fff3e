import { Controller, Param, Post, Put, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PurchaseCoins } from '../purchases/purchase-coins.handler.js';
import { ChangeViewerDetails } from '../wallets/change-viewer-details.handler.js';
import { OpenWallet } from '../wallets/open-wallet.handler.js';
import { ChangeViewerDetailsBody } from './bodies/change-viewer-details.body.js';
import { OpenWalletBody } from './bodies/open-wallet.body.js';
import { PurchaseCoinsBody } from './bodies/purchase-coins.body.js';
import { readCommand, sendOutcome, type CommandRules } from './command-request.js';
import { compileValidator } from './validation/compiled-validator.js';
import { Describe, PathId } from './openapi/describe.decorator.js';
import { BODY_EXAMPLES } from './openapi/examples.js';

const OPEN_WALLET: CommandRules = { key: 'optional', body: compileValidator(OpenWalletBody, 'body') };
const CHANGE_DETAILS: CommandRules = { key: 'optional', body: compileValidator(ChangeViewerDetailsBody, 'body') };
const PURCHASE: CommandRules = { key: 'required', body: compileValidator(PurchaseCoinsBody, 'body') };

@Controller('v1/wallets')
export class WalletsController {
  constructor(private readonly commands: CommandBus) {}

  @Describe({
    tag: 'wallets',
    summary: 'Open a wallet',
    body: { of: OpenWalletBody, example: BODY_EXAMPLES.openWallet },
    key: 'optional',
    answers: {
      201: { one: 'Wallet', says: 'The wallet was opened.' },
      200: { one: 'Wallet', says: 'It was open already, with the same data.' },
    },
    problems: ['wallet-exists', 'idempotency-key-reused', 'contention'],
  })
  @Post()
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const context = readCommand(request, OPEN_WALLET);
    sendOutcome(reply, await this.commands.execute(new OpenWallet(request.body as OpenWalletBody, context)));
  }

  @PathId('viewerId', 'ann')
  @Describe({
    tag: 'wallets',
    summary: 'Change what is known about a viewer',
    body: { of: ChangeViewerDetailsBody, example: BODY_EXAMPLES.changeDetails },
    key: 'optional',
    answers: { 200: { one: 'Wallet', says: 'The wallet with its new data.' } },
    problems: ['wallet-not-found', 'idempotency-key-reused', 'contention'],
  })
  @Put(':viewerId')
  async changeDetails(
    @Param('viewerId') viewerId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const context = readCommand(request, CHANGE_DETAILS);
    const body = request.body as ChangeViewerDetailsBody;
    sendOutcome(reply, await this.commands.execute(new ChangeViewerDetails(viewerId, body, context)));
  }

  @PathId('viewerId', 'ann')
  @Describe({
    tag: 'wallets',
    summary: 'Add coins that the platform has sold',
    description: 'A payment makes coins once, across all wallets.',
    body: { of: PurchaseCoinsBody, example: BODY_EXAMPLES.purchase },
    key: 'required',
    answers: { 201: { one: 'Purchase', says: 'The coins are in the wallet.' } },
    problems: [
      'idempotency-key-required',
      'wallet-not-found',
      'age-not-assured',
      'balance-limit',
      'payment-already-used',
      'idempotency-key-reused',
      'contention',
    ],
  })
  @Post(':viewerId/purchases')
  async purchase(
    @Param('viewerId') viewerId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const context = readCommand(request, PURCHASE);
    const body = request.body as PurchaseCoinsBody;
    sendOutcome(reply, await this.commands.execute(new PurchaseCoins(viewerId, body, context)));
  }
}
