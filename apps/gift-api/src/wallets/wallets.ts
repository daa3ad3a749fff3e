import type { Accepted, CommandContext, CommandOutcome, Decided } from '@livegift/command-handling';
import type { ChangeViewerDetailsBody, OpenWalletBody, WalletAnswer } from '@livegift/contracts';
import { walletStream, type WalletEvent, type WalletState } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, type Clock } from '@livegift/kernel';
import { causeOf } from '../cause.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from './wallet-commands.js';

const PAGE_EVENTS = 64;

type DecidedWallet = Decided<WalletEvent, WalletState>;

/** Opens wallets and changes what is known of their viewers. */
export class Wallets {
  constructor(
    private readonly commands: WalletCommands,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** @throws CommandError */
  async open(body: OpenWalletBody, context: CommandContext): Promise<CommandOutcome<WalletAnswer>> {
    const { viewerId, region, ageAssured } = body;
    const occurredAt = instant(this.clock.now());
    return this.commands.execute(
      walletStream(viewerId),
      { type: 'OpenWallet', viewerId, region, ageAssured, imported: false, occurredAt },
      causeOf(context, JSON.stringify(['OpenWallet', viewerId, region, ageAssured])),
      (decided) => ({
        answer: { viewerId, region, ageAssured, coins: decided.state?.coins ?? 0, position: decided.position },
        created: decided.events.length > 0,
        replayed: decided.replayed,
      }),
    );
  }

  /** @throws CommandError */
  async changeDetails(
    viewerId: string,
    body: ChangeViewerDetailsBody,
    context: CommandContext,
  ): Promise<CommandOutcome<WalletAnswer>> {
    const { region, ageAssured } = body;
    const outcome = await this.commands.execute(
      walletStream(viewerId),
      { type: 'ChangeViewerDetails', region, ageAssured, occurredAt: instant(this.clock.now()) },
      causeOf(context, JSON.stringify(['ChangeViewerDetails', viewerId, region, ageAssured])),
      (decided): Accepted<DecidedWallet> => ({ answer: decided, created: false, replayed: decided.replayed }),
    );
    if ('refused' in outcome) return outcome;
    const { state, revision, position } = outcome.answer;
    const coins = state?.coins ?? (await answering(() => this.#coinsBefore(viewerId, revision)));
    return { ...outcome, answer: { viewerId, region, ageAssured, coins, position } };
  }

  /** The balance of then stands on the nearest event before that moved coins. */
  async #coinsBefore(viewerId: string, revision: number): Promise<number> {
    for (let from = revision - 1; from >= 0; from -= PAGE_EVENTS) {
      const options = { from, direction: 'backwards', limit: PAGE_EVENTS } as const;
      const page = await this.store.readStream(walletStream(viewerId), options);
      for (const event of page as unknown as readonly WalletEvent[]) {
        if (event.type === 'GiftSent' || event.type === 'CoinsPurchased') return event.data.balance;
      }
    }
    return 0;
  }
}
