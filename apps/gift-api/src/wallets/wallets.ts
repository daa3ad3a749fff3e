import type { Accepted, CommandContext, CommandOutcome, Decided } from '@livegift/command-handling';
import type { ChangeViewerDetailsBody, OpenWalletBody, WalletAnswer } from '@livegift/contracts';
import { walletStream, type WalletEvent, type WalletState } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, type Clock } from '@livegift/kernel';
import { causeOf } from '../cause.js';
import type { NewSubjects } from '../new-subjects.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from './wallet-commands.js';

const PAGE_EVENTS = 64;

type DecidedWallet = Decided<WalletEvent, WalletState>;

/** Opens wallets and changes what is known of their viewers. */
export class Wallets {
  constructor(
    private readonly commands: WalletCommands,
    private readonly newSubjects: NewSubjects,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** @throws CommandError */
  async open(body: OpenWalletBody, context: CommandContext): Promise<CommandOutcome<WalletAnswer>> {
    const { viewerId, region, ageAssured } = body;
    await this.#assertAdmitted(viewerId);
    const occurredAt = instant(this.clock.now());
    return this.commands.execute(
      walletStream(viewerId),
      { type: 'OpenWallet', viewerId, region, ageAssured, imported: false, occurredAt },
      causeOf(context, JSON.stringify(['OpenWallet', viewerId, region, ageAssured])),
      ({ events: [first], state, position, replayed }) => {
        const coins = state?.coins ?? (first?.type === 'WalletConfirmed' ? first.data.balance : 0);
        const answer = { viewerId, region, ageAssured, coins, position };
        return { answer, created: first?.type === 'WalletOpened', replayed };
      },
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
    const coins = state?.coins ?? (await answering(() => this.#coinsAt(viewerId, revision)));
    return { ...outcome, answer: { viewerId, region, ageAssured, coins, position } };
  }

  /** A wallet that exists is answered as ever. @throws CommandError */
  async #assertAdmitted(viewerId: string): Promise<void> {
    if (!this.newSubjects.areFull) return;
    const events = await answering(() => this.store.readStream(walletStream(viewerId), { limit: 1 }));
    if (events.length === 0) this.newSubjects.assertAdmitted();
  }

  /** The balance of then stands on the nearest event that states one: this one, or one before. */
  async #coinsAt(viewerId: string, revision: number): Promise<number> {
    for (let from = revision; from >= 0; from -= PAGE_EVENTS) {
      const options = { from, direction: 'backwards', limit: PAGE_EVENTS } as const;
      const page = await this.store.readStream(walletStream(viewerId), options);
      for (const event of page as unknown as readonly WalletEvent[]) {
        if ('balance' in event.data) return event.data.balance;
      }
    }
    return 0;
  }
}
