import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { OpenWalletBody, WalletAnswer } from '@livegift/contracts';
import { Wallets } from './wallets.js';

export class OpenWallet extends Command<CommandOutcome<WalletAnswer>> {
  constructor(
    readonly body: OpenWalletBody,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(OpenWallet)
export class OpenWalletHandler implements ICommandHandler<OpenWallet> {
  constructor(private readonly wallets: Wallets) {}

  execute(command: OpenWallet): Promise<CommandOutcome<WalletAnswer>> {
    return this.wallets.open(command.body, command.context);
  }
}
