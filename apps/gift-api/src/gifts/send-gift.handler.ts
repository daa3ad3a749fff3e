import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { GiftAnswer, SendGiftBody } from '@livegift/contracts';
import { Gifts } from './gifts.js';

export class SendGift extends Command<CommandOutcome<GiftAnswer>> {
  constructor(
    readonly roomId: string,
    readonly body: SendGiftBody,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(SendGift)
export class SendGiftHandler implements ICommandHandler<SendGift> {
  constructor(private readonly gifts: Gifts) {}

  execute(command: SendGift): Promise<CommandOutcome<GiftAnswer>> {
    return this.gifts.send(command.roomId, command.body, command.context);
  }
}
