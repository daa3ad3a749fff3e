import type {
  CatalogueEvent,
  ClaimEvent,
  CreatorEvent,
  PaymentReleased,
  RoomEvent,
  WalletEvent,
} from '@livegift/domain';
import type { RecordedEvent } from '@livegift/kernel';
import { ClaimsBook } from './claims-book.js';
import { CreatorsBook, type CreatorAccount } from './creators-book.js';
import { LogBook } from './log-book.js';
import { WalletsBook, type WalletAccount } from './wallets-book.js';

export interface FindingsOptions {
  /** False while settlement is still at work: gifts may then lack their credit, but never out of order. Default true. */
  readonly settled?: boolean;
  /** False while claims may still be finished: they may then lack what they claimed. Default true. */
  readonly completed?: boolean;
}

/** Everything the log says about money, added up. */
export interface LedgerTotals {
  readonly events: number;
  readonly gifts: number;
  readonly purchasedCoins: bigint;
  readonly heldCoins: bigint;
  readonly spentCoins: bigint;
  readonly earnedDiamonds: bigint;
  readonly creditedDiamonds: bigint;
  readonly platformDiamonds: bigint;
}

/**
 * The rules of the money, once more and as simply as they can be put: folds the log with arithmetic of its own (BigInt,
 * nothing of the deciders) and says what is wrong with it. It keeps everything it ever saw, so it is for tests only.
 */
export class NaiveLedger {
  readonly #log = new LogBook();
  readonly #claims = new ClaimsBook();
  readonly #wallets = new WalletsBook();
  readonly #creators = new CreatorsBook();
  readonly #rooms = new Map<string, string>();
  readonly #findings: string[] = [];

  /** Events of the log in order of position, from its beginning, none left out. */
  applyEvent(recorded: RecordedEvent): void {
    const report = (finding: string): void => {
      this.#findings.push(`${recorded.position} ${recorded.stream}@${recorded.revision} ${recorded.type}: ${finding}`);
    };
    this.#log.apply(recorded, report);
    this.#claims.noteKey(recorded);
    if (recorded.stream.startsWith('creator-')) this.#creators.checkMetadata(recorded, report);
    const event = recorded as RecordedEvent &
      (WalletEvent | CreatorEvent | RoomEvent | ClaimEvent | PaymentReleased | CatalogueEvent);
    switch (event.type) {
      case 'WalletOpened':
        return this.#wallets.open(event.data, recorded, report);
      case 'ViewerDetailsChanged':
        return this.#wallets.changeDetails(event.data, report);
      case 'WalletConfirmed':
        return this.#wallets.confirm(event.data, recorded, report);
      case 'CoinsPurchased':
        this.#claims.purchase(event.data, recorded, report);
        return this.#wallets.purchase(event.data, recorded, report);
      case 'GiftSent':
        if (event.data.importId !== null) this.#claims.importedGift(event.data, recorded, report);
        if (this.#rooms.get(event.data.roomId) !== event.data.creatorId) report('not a room of that creator');
        this.#creators.gift(event.data, recorded, report);
        return this.#wallets.gift(event.data, recorded, report);
      case 'DiamondsCredited':
        return this.#creators.credit(event.data, recorded, report);
      case 'PaymentClaimed':
        return this.#claims.claimPayment(event.data, report);
      case 'PaymentReleased':
        return this.#claims.releasePayment(event.data, recorded, report);
      case 'HistoryClaimed':
        return this.#claims.claimHistory(event.data, report);
      case 'RoomOpened':
        if (this.#rooms.has(event.data.roomId)) report('the room was opened already');
        this.#rooms.set(event.data.roomId, event.data.creatorId);
    }
  }

  /** What is wrong, in the order found; empty when every rule holds. */
  findings(options: FindingsOptions = {}): string[] {
    const { settled = true, completed = true } = options;
    return [
      ...this.#findings,
      ...this.#wallets.findings(),
      ...(settled ? this.#creators.uncredited() : []),
      ...(completed ? this.#claims.uncompleted() : []),
    ];
  }

  wallet(viewerId: string): WalletAccount | undefined {
    return this.#wallets.accounts.get(viewerId);
  }

  creator(creatorId: string): CreatorAccount | undefined {
    return this.#creators.accounts.get(creatorId);
  }

  totals(): LedgerTotals {
    const totals = {
      events: this.#log.events,
      gifts: 0,
      purchasedCoins: 0n,
      heldCoins: 0n,
      spentCoins: 0n,
      earnedDiamonds: 0n,
      creditedDiamonds: 0n,
      platformDiamonds: 0n,
    };
    for (const wallet of this.#wallets.accounts.values()) {
      totals.purchasedCoins += wallet.purchasedCoins;
      totals.heldCoins += wallet.coins;
      totals.spentCoins += wallet.spentCoins;
    }
    for (const creator of this.#creators.accounts.values()) {
      totals.gifts += creator.gifts.length;
      totals.earnedDiamonds += creator.earnedDiamonds;
      totals.creditedDiamonds += creator.creditedDiamonds;
      totals.platformDiamonds += creator.platformDiamonds;
    }
    return totals;
  }
}
