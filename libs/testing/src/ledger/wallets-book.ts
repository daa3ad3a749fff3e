import type { CoinsPurchased, GiftSent, ViewerDetailsChanged, WalletConfirmed, WalletOpened } from '@livegift/domain';
import type { RecordedEvent } from '@livegift/kernel';
import type { Report } from './report.js';

export interface WalletAccount {
  region: string;
  ageAssured: boolean;
  coins: bigint;
  purchasedCoins: bigint;
  spentCoins: bigint;
  gifts: number;
}

const COMMAND_MAX = 10n ** 9n;
const HELD_MAX = 10n ** 12n;

/** What every viewer holds. */
export class WalletsBook {
  readonly accounts = new Map<string, WalletAccount>();

  open(data: WalletOpened['data'], event: RecordedEvent, report: Report): void {
    const { viewerId, region, ageAssured } = data;
    if (this.accounts.has(viewerId)) report('the wallet was opened already');
    if (event.stream !== `wallet-${viewerId}`) report('in the wrong stream');
    if (event.revision !== 0) report('not the first event of its stream');
    this.accounts.set(viewerId, { region, ageAssured, coins: 0n, purchasedCoins: 0n, spentCoins: 0n, gifts: 0 });
  }

  changeDetails(data: ViewerDetailsChanged['data'], report: Report): void {
    const account = this.#account(data.viewerId, report);
    account.region = data.region;
    account.ageAssured = data.ageAssured;
  }

  confirm(data: WalletConfirmed['data'], event: RecordedEvent, report: Report): void {
    const { region, ageAssured, coins } = this.#account(data.viewerId, report);
    if (data.region !== region || data.ageAssured !== ageAssured) report('confirms what is not so');
    if (BigInt(data.balance) !== coins) report(`balance ${data.balance}, but it holds ${coins}`);
    if (event.metadata.idempotencyKey === undefined) report('nothing was done, and there is no key to remember');
  }

  purchase(data: CoinsPurchased['data'], event: RecordedEvent, report: Report): void {
    const account = this.#account(data.viewerId, report);
    this.#checkPlace(data.viewerId, data.purchaseId, event, report);
    this.#checkAmount(data.coins, report);
    account.coins += BigInt(data.coins);
    account.purchasedCoins += BigInt(data.coins);
    if (account.coins !== BigInt(data.balance)) report(`balance ${data.balance}, but it holds ${account.coins}`);
    if (account.coins > HELD_MAX && data.provider !== 'import') report(`holds ${account.coins} coins`);
  }

  gift(data: GiftSent['data'], event: RecordedEvent, report: Report): void {
    const account = this.#account(data.viewerId, report);
    this.#checkPlace(data.viewerId, data.giftId, event, report);
    this.#checkAmount(data.coins, report);
    if (BigInt(data.quantity) * BigInt(data.priceCoins) !== BigInt(data.coins))
      report('coins are not quantity x price');
    if (data.imported !== (data.importId !== null)) report('imported, but without an importId, or the other way round');
    if (data.imported !== (data.streak === null)) report('live gifts have a streak, imported ones none');
    if (!data.imported && !account.ageAssured) report('from a viewer of unassured age');
    if (!data.imported && data.creatorId === data.viewerId) report('to themselves');
    account.gifts++;
    account.coins -= BigInt(data.coins);
    account.spentCoins += BigInt(data.coins);
    if (account.coins < 0n) report(`the wallet went below zero: ${account.coins}`);
    if (account.coins !== BigInt(data.balance)) report(`balance ${data.balance}, but it holds ${account.coins}`);
  }

  /** Conservation: coins bought = coins held + coins spent. */
  findings(): string[] {
    const findings: string[] = [];
    for (const [viewerId, account] of this.accounts) {
      if (account.purchasedCoins !== account.coins + account.spentCoins) {
        findings.push(`wallet-${viewerId}: coins are not conserved`);
      }
    }
    return findings;
  }

  #checkPlace(viewerId: string, id: string, event: RecordedEvent, report: Report): void {
    if (event.stream !== `wallet-${viewerId}`) report('in the wrong stream');
    if (id !== `${viewerId}.${event.revision}`) report(`its id ${id} does not say where it stands`);
  }

  #checkAmount(coins: number, report: Report): void {
    if (!Number.isSafeInteger(coins) || coins < 1 || BigInt(coins) > COMMAND_MAX) report(`an amount of ${coins} coins`);
  }

  #account(viewerId: string, report: Report): WalletAccount {
    const known = this.accounts.get(viewerId);
    if (known !== undefined) return known;
    report('the wallet was never opened');
    const account = { region: '', ageAssured: false, coins: 0n, purchasedCoins: 0n, spentCoins: 0n, gifts: 0 };
    this.accounts.set(viewerId, account);
    return account;
  }
}
