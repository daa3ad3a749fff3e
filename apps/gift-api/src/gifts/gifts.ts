import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { GiftAnswer, SendGiftBody } from '@livegift/contracts';

/** Sends gifts, one at a time. */
export class Gifts {
  async send(_roomId: string, _body: SendGiftBody, _context: CommandContext): Promise<CommandOutcome<GiftAnswer>> {
    throw new Error('wanted');
  }
}
