import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { ChangeViewerDetailsBody, OpenWalletBody, WalletAnswer } from '@livegift/contracts';

/** Opens wallets and changes what is known of their viewers. */
export class Wallets {
  async open(_body: OpenWalletBody, _context: CommandContext): Promise<CommandOutcome<WalletAnswer>> {
    throw new Error('wanted');
  }

  async changeDetails(
    _viewerId: string,
    _body: ChangeViewerDetailsBody,
    _context: CommandContext,
  ): Promise<CommandOutcome<WalletAnswer>> {
    throw new Error('wanted');
  }
}
