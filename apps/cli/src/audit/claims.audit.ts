import { importStream, paymentStream, type CoinsPurchased, type GiftSent } from '@livegift/domain';
import type { HistoryClaimed, PaymentClaimed, PaymentReleased } from '@livegift/domain';
import { WALLET_COINS_MAX, type RecordedEvent } from '@livegift/kernel';
import { FingerprintSet } from './fingerprint-set.js';
import { findingAt, type Report, type Rule } from './finding.js';

/** A claim whose coins, or whose gift, have not been seen yet. */
interface Unfinished {
  readonly rule: Rule;
  readonly event: RecordedEvent;
  /** Imported history is bought first, then sent. */
  bought: boolean;
}

/** What became of a claim; whether rightly, the wallet's stream says. */
export interface ClaimEnd {
  readonly event: RecordedEvent;
  readonly claim: PaymentClaimed['data'];
}

const IMPORT_PROVIDER = 'import';

/** Claims and what became of them. Holds only the unfinished ones, and a fingerprint of every claim. */
export class ClaimsAudit {
  readonly #unfinished = new Map<string, Unfinished>();
  readonly #claimed = new FingerprintSet();
  /** Streams of claims that may hold more than one event: look. */
  readonly suspects = new Set<string>();
  /** Few: they take two commands with one key at the same moment. */
  readonly releases: ClaimEnd[] = [];
  /** Purchases that left more in a wallet than it may hold. Few: several were claimed at one moment. */
  readonly overfull: ClaimEnd[] = [];
  /** Streams whose last event is a release, and its revision. */
  readonly #released = new Map<string, number>();

  constructor(private readonly report: Report) {}

  claimed(event: RecordedEvent): void {
    const isPayment = event.type === 'PaymentClaimed';
    const stream = isPayment
      ? paymentClaimStream(event)
      : importStream((event.data as HistoryClaimed['data']).importId);
    const rule = isPayment ? 'payment-claims' : 'history-claims';
    if (stream !== event.stream) this.#say(event, rule, `a claim of ${stream} in another stream`);
    const released = this.#released.get(stream) ?? -1;
    if (event.revision !== released + 1)
      this.#say(event, rule, `${stream} is claimed again, at revision ${event.revision}`);
    if (!this.#claimed.add(stream) && !this.#released.delete(stream)) this.suspects.add(stream);
    this.#unfinished.set(stream, { rule, event, bought: false });
  }

  released(event: RecordedEvent): void {
    const { provider, paymentId, idempotencyKey } = event.data as PaymentReleased['data'];
    const stream = paymentStream(provider, paymentId);
    const claim = this.#unfinished.get(stream)?.event;
    const data = claim?.data as PaymentClaimed['data'] | undefined;
    if (data?.idempotencyKey !== idempotencyKey || claim?.revision !== event.revision - 1) {
      return this.#say(event, 'payment-claims', `${stream} is released, but not claimed, or has made its coins`);
    }
    this.#unfinished.delete(stream);
    this.#released.set(stream, event.revision);
    this.releases.push({ event, claim: data });
  }

  purchased(event: RecordedEvent): void {
    const bought = event.data as CoinsPurchased['data'];
    if (bought.provider === IMPORT_PROVIDER) return this.#boughtForHistory(event, bought);
    const stream = paymentStream(bought.provider, bought.paymentId);
    const claim = this.#unfinished.get(stream);
    if (claim === undefined) {
      return this.#say(event, 'payment-claims', `${stream} was never claimed, or has made its coins before`);
    }
    this.#unfinished.delete(stream);
    const data = claim.event.data as PaymentClaimed['data'];
    const { viewerId, coins, price, idempotencyKey, bodyHash } = data;
    if (bought.balance > WALLET_COINS_MAX) this.overfull.push({ event, claim: data });
    const { amountMinor, currency } = bought.price ?? {};
    if (
      bought.viewerId !== viewerId ||
      bought.coins !== coins ||
      amountMinor !== price.amountMinor ||
      currency !== price.currency ||
      bought.occurredAt !== data.occurredAt
    ) {
      this.#say(event, 'payment-claims', `${stream} claimed ${coins} coins for ${viewerId}: not what was bought`);
    }
    const { metadata } = event;
    if (metadata.idempotencyKey !== idempotencyKey || metadata.bodyHash !== bodyHash) {
      this.#say(event, 'payment-claims', `${stream} was claimed by another command than the one that bought`);
    }
  }

  giftSent(event: RecordedEvent): void {
    const gift = event.data as GiftSent['data'];
    if (gift.imported !== (gift.importId !== null)) {
      this.#say(event, 'history-claims', `imported: ${gift.imported}, but its importId is ${gift.importId}`);
    }
    if (gift.importId === null) return;
    const stream = importStream(gift.importId);
    const claim = this.#unfinished.get(stream);
    if (claim?.bought !== true) {
      return this.#say(event, 'history-claims', `${stream} was never claimed and bought, or was sent before`);
    }
    this.#unfinished.delete(stream);
    const line = claim.event.data as HistoryClaimed['data'];
    if (
      gift.roomId !== line.roomId ||
      gift.creatorId !== line.creatorId ||
      gift.viewerId !== line.viewerId ||
      gift.coins !== line.coins ||
      gift.occurredAt !== line.occurredAt
    ) {
      this.#say(event, 'history-claims', `${stream} is not the gift that was claimed`);
    }
  }

  get unfinishedCount(): number {
    return this.#unfinished.size;
  }

  unfinished(): IterableIterator<Unfinished> {
    return this.#unfinished.values();
  }

  #boughtForHistory(event: RecordedEvent, bought: CoinsPurchased['data']): void {
    const stream = importStream(bought.paymentId);
    const claim = this.#unfinished.get(stream);
    if (claim === undefined || claim.bought) {
      return this.#say(event, 'history-claims', `${stream} was never claimed, or has made its coins before`);
    }
    claim.bought = true;
    const line = claim.event.data as HistoryClaimed['data'];
    const { coins, viewerId, occurredAt } = line;
    if (bought.coins !== coins || bought.viewerId !== viewerId || bought.occurredAt !== occurredAt) {
      this.#say(
        event,
        'history-claims',
        `${stream} claimed ${coins} coins for ${viewerId} at ${occurredAt}: not what was bought`,
      );
    }
  }

  #say(event: RecordedEvent, rule: Rule, detail: string): void {
    this.report(findingAt(event, rule, detail));
  }
}

function paymentClaimStream(event: RecordedEvent): string {
  const { provider, paymentId } = event.data as PaymentClaimed['data'];
  return paymentStream(provider, paymentId);
}
