import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { PurchaseAnswer, PurchaseCoinsBody } from '@livegift/contracts';

/** Buys coins: a payment makes coins once, across all wallets. */
export class Purchases {
  async purchase(
    _viewerId: string,
    _body: PurchaseCoinsBody,
    _context: CommandContext,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    throw new Error('wanted');
  }
}
