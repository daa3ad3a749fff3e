import type { DiamondsCredited, GiftSent } from '@livegift/domain';
import type { RecordedEvent } from '@livegift/kernel';
import type { Report } from './report.js';

export interface GiftEntry {
  readonly giftId: string;
  readonly position: string;
  readonly roomId: string;
  readonly coins: number;
  readonly diamonds: number;
}

export interface CreatorAccount {
  /** Every gift sent, in order of position. */
  readonly gifts: GiftEntry[];
  /** How many of them, from the first, were credited. */
  creditedGifts: number;
  settledThrough: string | null;
  earnedDiamonds: bigint;
  creditedDiamonds: bigint;
  platformDiamonds: bigint;
}

/** What every creator earned, and what was credited of it: the gifts in order of position, each once. */
export class CreatorsBook {
  readonly accounts = new Map<string, CreatorAccount>();
  readonly #credited = new Set<string>();

  gift(data: GiftSent['data'], event: RecordedEvent, report: Report): void {
    const account = this.#account(data.creatorId);
    const worth = BigInt(data.coins) * 100n;
    const diamonds = (BigInt(data.coins) * BigInt(data.creatorShareBps)) / 100n;
    if (data.creatorShareBps < 0 || data.creatorShareBps > 10_000) report(`a share of ${data.creatorShareBps} bps`);
    if (BigInt(data.diamonds) !== diamonds) report(`${data.diamonds} diamonds, should be ${diamonds}`);
    account.earnedDiamonds += diamonds;
    account.platformDiamonds += worth - diamonds;
    const { giftId, roomId, coins } = data;
    account.gifts.push({ giftId, position: event.position, roomId, coins, diamonds: data.diamonds });
  }

  credit(data: DiamondsCredited['data'], event: RecordedEvent, report: Report): void {
    const account = this.#account(data.creatorId);
    if (event.stream !== `creator-${data.creatorId}`) report('in the wrong stream');
    if (this.#credited.has(data.giftId)) return report(`gift ${data.giftId} is credited a second time`);
    this.#credited.add(data.giftId);
    account.creditedDiamonds += BigInt(data.diamonds);
    if (account.creditedDiamonds !== BigInt(data.balance)) {
      report(`balance ${data.balance}, but it holds ${account.creditedDiamonds}`);
    }
    const next = account.gifts[account.creditedGifts];
    if (next === undefined) return report(`gift ${data.giftId} was not sent to this creator`);
    account.creditedGifts++;
    if (next.giftId !== data.giftId) return report(`credits ${data.giftId}, but ${next.giftId} is the next one`);
    if (next.position !== data.giftPosition) report(`giftPosition ${data.giftPosition}, was sent at ${next.position}`);
    if (next.diamonds !== data.diamonds || next.coins !== data.coins || next.roomId !== data.roomId) {
      report(`differs from gift ${data.giftId}`);
    }
  }

  /** Every event of a creator's stream says how far the creator is settled, and only a credit raises it. */
  checkMetadata(event: RecordedEvent, report: Report): void {
    const account = this.#account(event.stream.slice('creator-'.length));
    if (event.type === 'DiamondsCredited') {
      const { giftPosition } = event.data as DiamondsCredited['data'];
      if (account.settledThrough !== null && giftPosition <= account.settledThrough)
        report('giftPosition does not rise');
      account.settledThrough = giftPosition;
    }
    if (event.metadata.settledThrough !== account.settledThrough) {
      report(`settledThrough ${event.metadata.settledThrough}, should be ${account.settledThrough}`);
    }
  }

  uncredited(): string[] {
    const findings: string[] = [];
    for (const [creatorId, { gifts, creditedGifts }] of this.accounts) {
      for (const gift of gifts.slice(creditedGifts)) {
        findings.push(`creator-${creatorId}: gift ${gift.giftId} at ${gift.position} was never credited`);
      }
    }
    return findings;
  }

  #account(creatorId: string): CreatorAccount {
    let account = this.accounts.get(creatorId);
    if (account === undefined) {
      account = {
        gifts: [],
        creditedGifts: 0,
        settledThrough: null,
        earnedDiamonds: 0n,
        creditedDiamonds: 0n,
        platformDiamonds: 0n,
      };
      this.accounts.set(creatorId, account);
    }
    return account;
  }
}
