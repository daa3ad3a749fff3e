import type { CoinsPurchased, GiftSent, HistoryClaimed, PaymentClaimed, PaymentReleased } from '@livegift/domain';
import { canonicalJson, type RecordedEvent } from '@livegift/kernel';
import type { Report } from './report.js';

interface Claim {
  readonly name: string;
  readonly viewerId: string;
  /** What the purchase must say, as canonical JSON. */
  readonly purchase: string;
  /** What the imported gift must say; null for a payment. */
  readonly gift: string | null;
  readonly walletRevision: number;
  purchases: number;
  gifts: number;
  purchaseRevision: number;
}

/** A claimed payment makes coins exactly once; a claimed line of history is bought and sent exactly once, as a pair. */
export class ClaimsBook {
  readonly #claims = new Map<string, Claim>();
  readonly #keys = new Map<string, number>();

  claimPayment(data: PaymentClaimed['data'], report: Report): void {
    const { provider, paymentId, viewerId, coins, price, walletRevision, occurredAt } = data;
    const purchase = canonicalJson({ viewerId, coins, price, occurredAt });
    this.#claim(`payment ${provider} ${paymentId}`, { viewerId, purchase, gift: null, walletRevision }, report);
  }

  claimHistory(data: HistoryClaimed['data'], report: Report): void {
    const { importId, roomId, creatorId, viewerId, coins, walletRevision, occurredAt } = data;
    const purchase = canonicalJson({ viewerId, coins, price: null, occurredAt });
    const gift = canonicalJson({ viewerId, roomId, creatorId, coins, occurredAt });
    this.#claim(`payment import ${importId}`, { viewerId, purchase, gift, walletRevision }, report);
  }

  /** Only a claim that can never make coins: another event of the wallet has its key, after it. */
  releasePayment(data: PaymentReleased['data'], event: RecordedEvent, report: Report): void {
    const name = `payment ${data.provider} ${data.paymentId}`;
    const claim = this.#claims.get(name);
    if (claim === undefined || claim.purchases > 0) return report(`${name} is released, but not claimed or bought`);
    const taken = this.#keys.get(`wallet-${data.viewerId} ${data.idempotencyKey}`) ?? -1;
    if (taken <= claim.walletRevision) report(`${name} is released, but its key was free`);
    if (event.stream !== `payment-${data.provider}-${encodeURIComponent(data.paymentId)}`)
      report('in the wrong stream');
    this.#claims.delete(name);
  }

  /** Where each key was last seen in its stream. */
  noteKey({ stream, revision, metadata }: RecordedEvent): void {
    if (metadata.idempotencyKey !== undefined) this.#keys.set(`${stream} ${metadata.idempotencyKey}`, revision);
  }

  purchase(data: CoinsPurchased['data'], event: RecordedEvent, report: Report): void {
    const claim = this.#claims.get(`payment ${data.provider} ${data.paymentId}`);
    if (claim === undefined) return report(`purchase without a claim: ${data.provider} ${data.paymentId}`);
    const { viewerId, coins, price, occurredAt } = data;
    if (canonicalJson({ viewerId, coins, price, occurredAt }) !== claim.purchase) report('differs from its claim');
    if (event.revision <= claim.walletRevision) report('stands before its claim');
    if (++claim.purchases > 1) report(`${claim.name} made coins ${claim.purchases} times`);
    claim.purchaseRevision = event.revision;
  }

  importedGift(data: GiftSent['data'], event: RecordedEvent, report: Report): void {
    const claim = this.#claims.get(`payment import ${data.importId}`);
    if (claim === undefined) return report(`imported without a claim: ${data.importId}`);
    const { viewerId, roomId, creatorId, coins, occurredAt } = data;
    if (canonicalJson({ viewerId, roomId, creatorId, coins, occurredAt }) !== claim.gift)
      report('differs from its claim');
    if (event.revision !== claim.purchaseRevision + 1) report('does not stand right after its purchase');
    if (++claim.gifts > 1) report(`${claim.name} was sent ${claim.gifts} times`);
  }

  uncompleted(): string[] {
    const findings: string[] = [];
    for (const { name, purchases, gift, gifts } of this.#claims.values()) {
      if (purchases === 0) findings.push(`${name} was claimed, but made no coins`);
      if (gift !== null && gifts === 0) findings.push(`${name} was claimed, but not sent`);
    }
    return findings;
  }

  #claim(name: string, facts: Pick<Claim, 'viewerId' | 'purchase' | 'gift' | 'walletRevision'>, report: Report): void {
    if (this.#claims.has(name)) return report(`${name} is claimed a second time`);
    this.#claims.set(name, { name, ...facts, purchases: 0, gifts: 0, purchaseRevision: -1 });
  }
}
