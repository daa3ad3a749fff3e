import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { PurchaseAnswer, PurchaseCoinsBody } from '@livegift/contracts';
import { Purchases } from './purchases.js';

export class PurchaseCoins extends Command<CommandOutcome<PurchaseAnswer>> {
  constructor(
    readonly viewerId: string,
    readonly body: PurchaseCoinsBody,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(PurchaseCoins)
export class PurchaseCoinsHandler implements ICommandHandler<PurchaseCoins> {
  constructor(private readonly purchases: Purchases) {}

  execute(command: PurchaseCoins): Promise<CommandOutcome<PurchaseAnswer>> {
    return this.purchases.purchase(command.viewerId, command.body, command.context);
  }
}
