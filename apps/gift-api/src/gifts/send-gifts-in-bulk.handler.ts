import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { BulkGiftLine, LineAnswer } from '@livegift/contracts';
import { BulkGifts } from './bulk-gifts.js';

/** Lines that have passed validation, each with its number in the request. */
export class SendGiftsInBulk extends Command<LineAnswer[]> {
  constructor(
    readonly lines: readonly { readonly line: number; readonly body: BulkGiftLine }[],
    readonly correlationId: string,
  ) {
    super();
  }
}

@CommandHandler(SendGiftsInBulk)
export class SendGiftsInBulkHandler implements ICommandHandler<SendGiftsInBulk> {
  constructor(private readonly bulkGifts: BulkGifts) {}

  execute(command: SendGiftsInBulk): Promise<LineAnswer[]> {
    return this.bulkGifts.send(command.lines, command.correlationId);
  }
}
