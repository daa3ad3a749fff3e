import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { ChangeViewerDetailsBody, WalletAnswer } from '@livegift/contracts';
import { Wallets } from './wallets.js';

export class ChangeViewerDetails extends Command<CommandOutcome<WalletAnswer>> {
  constructor(
    readonly viewerId: string,
    readonly body: ChangeViewerDetailsBody,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ChangeViewerDetails)
export class ChangeViewerDetailsHandler implements ICommandHandler<ChangeViewerDetails> {
  constructor(private readonly wallets: Wallets) {}

  execute(command: ChangeViewerDetails): Promise<CommandOutcome<WalletAnswer>> {
    return this.wallets.changeDetails(command.viewerId, command.body, command.context);
  }
}
