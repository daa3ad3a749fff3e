import type { EventReader } from '@livegift/event-store';
import { WALLET_COINS_MAX, type RecordedEvent } from '@livegift/kernel';
import { walletStream, type CoinsPurchased } from '@livegift/domain';
import { ClaimsAudit, type ClaimEnd } from './claims.audit.js';
import { CreatorsAudit } from './creators.audit.js';
import { findingAt, type Report } from './finding.js';
import { RoomsAudit } from './rooms.audit.js';
import { StreamsAudit, type KeySuspect } from './streams.audit.js';
import { WalletsAudit } from './wallets.audit.js';

/** What follows within a moment (a credit, the coins of a claim) and is later than this was forgotten. */
export const FOLLOWS_WITHIN_MS = 60_000;
const READ_EVENTS = 1_000;
const BALANCE_READ_EVENTS = 10;

/** What the audit added up. Sums over everything are decimal text: they may pass 2^53. */
export interface AuditSummary {
  readonly events: number;
  readonly through: string | null;
  readonly wallets: number;
  readonly creators: number;
  readonly rooms: number;
  readonly gifts: number;
  readonly coinsBought: string;
  readonly coinsHeld: string;
  readonly coinsSpent: string;
  readonly diamondsEarned: string;
  readonly diamondsCredited: string;
  readonly platformDiamonds: string;
  /** Newest gifts that settlement has yet to credit. No finding unless a minute has gone by without. */
  readonly giftsNotYetCredited: number;
  /** Newest claims that have yet to be finished. As above. */
  readonly claimsNotYetFinished: number;
}

/** Checks the money rules on events in log order, with memory for wallets, creators, rooms and what is unfinished. */
export class MoneyAudit {
  readonly #streams: StreamsAudit;
  readonly #wallets: WalletsAudit;
  readonly #creators: CreatorsAudit;
  readonly #claims: ClaimsAudit;
  readonly #rooms: RoomsAudit;
  #events = 0;
  #newest: RecordedEvent | null = null;

  constructor(private readonly report: Report) {
    this.#streams = new StreamsAudit(report);
    this.#wallets = new WalletsAudit(report);
    this.#creators = new CreatorsAudit(report);
    this.#claims = new ClaimsAudit(report);
    this.#rooms = new RoomsAudit(report);
  }

  recorded(event: RecordedEvent): void {
    this.#events += 1;
    this.#newest = event;
    this.#streams.recorded(event);
    switch (event.type) {
      case 'StoreRestored':
        return this.#wallets.restored(event);
      case 'WalletOpened':
        return this.#wallets.opened(event);
      case 'WalletConfirmed':
        return this.#wallets.confirmed(event);
      case 'CoinsPurchased':
        this.#wallets.purchased(event);
        return this.#claims.purchased(event);
      case 'GiftSent':
        this.#wallets.giftSent(event);
        this.#rooms.giftSent(event);
        this.#claims.giftSent(event);
        return this.#creators.giftSent(event);
      case 'CreatorRegistered':
        return this.#creators.registered(event);
      case 'DiamondsCredited':
        return this.#creators.diamondsCredited(event);
      case 'PaymentClaimed':
      case 'HistoryClaimed':
        return this.#claims.claimed(event);
      case 'PaymentReleased':
        return this.#claims.released(event);
      case 'RoomOpened':
        return this.#rooms.opened(event);
      case 'RoomClosed':
        return this.#rooms.closed(event);
      case 'RoomConfirmed':
        return this.#rooms.confirmed(event);
      default:
        if (event.stream.startsWith('creator-')) this.#creators.other(event);
    }
  }

  /** True while something is still to follow: reading on a little may bring it. */
  get unfinished(): boolean {
    return this.#creators.owedCount > 0 || this.#claims.unfinishedCount > 0;
  }

  /**
   * What only the end shows, and a second look at what seemed wrong.
   * @param engineNowMs the time, when an engine runs that should long have done what is left to do; null when none runs:
   *   then only the log's own end counts, since the next start goes on where the last one broke off
   */
  async finish(reader: EventReader, engineNowMs: number | null): Promise<AuditSummary> {
    this.#wallets.finish();
    this.#streams.finish();
    this.#reportForgotten(engineNowMs ?? Date.parse(this.#newest?.metadata.recordedAt ?? ''));
    for (const suspect of this.#streams.suspects) await this.#lookAtKey(reader, suspect);
    for (const stream of this.#claims.suspects) await this.#lookAtClaim(reader, stream);
    for (const release of this.#claims.releases) await this.#lookAtRelease(reader, release);
    for (const purchase of this.#claims.overfull) await this.#lookAtLimit(reader, purchase);
    const { totals } = this.#wallets;
    return {
      events: this.#events,
      through: this.#newest?.position ?? null,
      wallets: this.#wallets.walletCount,
      creators: this.#creators.creatorCount,
      rooms: this.#rooms.roomCount,
      gifts: totals.gifts,
      coinsBought: String(totals.bought),
      coinsHeld: String(totals.held),
      coinsSpent: String(totals.spent),
      diamondsEarned: String(totals.diamonds),
      diamondsCredited: String(this.#creators.credited),
      platformDiamonds: String(totals.platformDiamonds),
      giftsNotYetCredited: this.#creators.owedCount,
      claimsNotYetFinished: this.#claims.unfinishedCount,
    };
  }

  #reportForgotten(nowMs: number): void {
    const forgotten = (recordedAt: string): boolean => nowMs - Date.parse(recordedAt) > FOLLOWS_WITHIN_MS;
    for (const { creatorId, oldest, count } of this.#creators.unsettled()) {
      if (!forgotten(oldest.recordedAt)) continue;
      this.report({
        rule: 'credited-once',
        stream: `creator-${creatorId}`,
        revision: null,
        position: oldest.position,
        detail: `gift ${oldest.giftId} of ${oldest.recordedAt} was never credited (${count} gifts wait for this creator)`,
      });
    }
    for (const { rule, event } of this.#claims.unfinished()) {
      if (forgotten(event.metadata.recordedAt)) this.report(findingAt(event, rule, 'was claimed and never finished'));
    }
  }

  /** Two keys may share a fingerprint: the earlier event says whether it is the same one. */
  async #lookAtKey(reader: EventReader, { event, key, earlierRevision }: KeySuspect): Promise<void> {
    const [earlier] = await reader.readStream(event.stream, { from: earlierRevision, limit: 1 });
    if (earlier?.metadata.idempotencyKey !== key) return;
    const detail = `key ${key} was accepted at revision ${earlierRevision} before`;
    this.report(findingAt(event, 'idempotency-keys', detail));
  }

  /** A claim is released only when another command has taken its key in the wallet, after the claim. */
  async #lookAtRelease(reader: EventReader, { event, claim }: ClaimEnd): Promise<void> {
    const { viewerId, idempotencyKey, walletRevision, provider, paymentId } = claim;
    for await (const taken of wholeStream(reader, walletStream(viewerId), walletRevision + 1)) {
      if (taken.metadata.idempotencyKey !== idempotencyKey) continue;
      const bought = taken.type === 'CoinsPurchased' ? (taken.data as CoinsPurchased['data']) : null;
      if (bought?.provider !== provider || bought.paymentId !== paymentId) return;
      break;
    }
    this.report(findingAt(event, 'payment-claims', `key ${idempotencyKey} was not taken by another command`));
  }

  /** A claimed purchase is not refused any more: the limit holds for the wallet as it was when the payment was claimed. */
  async #lookAtLimit(reader: EventReader, { event, claim }: ClaimEnd): Promise<void> {
    const held = await balanceAt(reader, walletStream(claim.viewerId), claim.walletRevision);
    if (held + claim.coins <= WALLET_COINS_MAX) return;
    this.report(findingAt(event, 'whole-amounts', `${claim.coins} coins claimed for a wallet of ${held}`));
  }

  async #lookAtClaim(reader: EventReader, stream: string): Promise<void> {
    const events = await reader.readStream(stream, { limit: 2 });
    const second = events[1];
    // A second event with a revision of its own was reported when it was read.
    if (second === undefined || second.revision !== 0) return;
    this.report(findingAt(second, 'revisions', 'a claim that stands in the log twice'));
  }
}

/** What the newest event says that states a balance, at this revision or before it. */
async function balanceAt(reader: EventReader, stream: string, revision: number): Promise<number> {
  for (let from = revision; from >= 0;) {
    const events = await reader.readStream(stream, { direction: 'backwards', from, limit: BALANCE_READ_EVENTS });
    for (const { data } of events) {
      const { balance } = data as { readonly balance?: number };
      if (balance !== undefined) return balance;
    }
    if (events.length < BALANCE_READ_EVENTS) break;
    from = events.at(-1)!.revision - 1;
  }
  return 0;
}

async function* wholeStream(reader: EventReader, stream: string, first = 0): AsyncGenerator<RecordedEvent> {
  for (let from = first; ;) {
    const events = await reader.readStream(stream, { from, limit: READ_EVENTS });
    yield* events;
    if (events.length < READ_EVENTS) return;
    from += events.length;
  }
}
