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

const OPEN_WALLET: CommandRules = { key: 'optional', body: compileValidator(OpenWalletBody, 'body') };
const CHANGE_DETAILS: CommandRules = { key: 'optional', body: compileValidator(ChangeViewerDetailsBody, 'body') };
const PURCHASE: CommandRules = { key: 'required', body: compileValidator(PurchaseCoinsBody, 'body') };

@Controller('v1/wallets')
export class WalletsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const context = readCommand(request, OPEN_WALLET);
    sendOutcome(reply, await this.commands.execute(new OpenWallet(request.body as OpenWalletBody, context)));
  }

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
