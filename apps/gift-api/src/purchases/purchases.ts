import {
  KEY_REUSED,
  type Accepted,
  type Cause,
  type CommandContext,
  type CommandOutcome,
  type LoadedStream,
} from '@livegift/command-handling';
import type { PurchaseAnswer, PurchaseCoinsBody } from '@livegift/contracts';
import {
  paymentStream,
  walletStream,
  type CoinsPurchased,
  type PaymentClaimed,
  type WalletRefusal,
  type WalletState,
} from '@livegift/domain';
import { instant, isRefused, type Clock, type Position, type Refused } from '@livegift/kernel';
import { causeOf } from '../cause.js';
import type { ClaimAttempt, Claims, RecordedClaim } from '../claims.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import type { PaymentClaim, PurchaseCompletion } from './purchase-completion.js';

const ALREADY_USED: Refused = { refused: 'payment-already-used' };

/**
 * Buys coins. A payment makes coins once, across all wallets: it is decided dry, then claimed with everything that is
 * needed to finish it, then appended to the wallet. Once claimed nothing but another command that was quicker with the same
 * key can refuse it; whoever comes (this call, a repeat, the finisher) completes it, and finds it if somebody has.
 * See ADR 0004.
 */
export class Purchases {
  constructor(
    private readonly commands: WalletCommands,
    private readonly claims: Claims<PaymentClaimed>,
    private readonly completion: PurchaseCompletion,
    private readonly clock: Clock,
  ) {}

  /** @throws CommandError */
  purchase(
    viewerId: string,
    body: PurchaseCoinsBody,
    context: CommandContext,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    const { coins, price, provider, paymentId } = body;
    const { amountMinor, currency } = price;
    const fields = ['PurchaseCoins', viewerId, coins, amountMinor, currency, provider, paymentId];
    const cause = causeOf(context, JSON.stringify(fields));
    if (cause.idempotencyKey === null) throw new Error('a purchase needs an idempotency key');
    const stream = walletStream(viewerId);
    return answering(() => this.commands.exclusive([stream], () => this.#purchaseHeld(viewerId, body, cause)));
  }

  /** Completes what somebody has claimed, if it has not been. @throws CommandError */
  finish(claim: RecordedClaim<PaymentClaimed>, correlationId: string): Promise<void> {
    const stream = walletStream(claim.data.viewerId);
    return answering(() =>
      this.commands.exclusive([stream], async () => {
        await this.completion.complete(await this.commands.loadHeld(stream), claim, correlationId);
      }),
    );
  }

  async #purchaseHeld(
    viewerId: string,
    body: PurchaseCoinsBody,
    cause: Cause,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    const stream = walletStream(viewerId);
    const loaded = await this.commands.loadHeld(stream);
    const repeated = await this.#repeated(loaded, body, cause);
    if (repeated !== null) return repeated;
    if (this.#refusal(loaded.state, body) !== null) {
      const answer = await this.#answerFresh(loaded, body, cause);
      if (answer !== null) return answer;
    }
    const claim = this.#claimOf(viewerId, body, cause, loaded.revision);
    const attempt = await this.claims.claim(paymentStream(body.provider, body.paymentId), claim, cause.correlationId);
    if (attempt.ours || isSameCommand(attempt.data, viewerId, cause))
      return this.#answerClaimed(loaded, attempt, cause);
    return (await this.#answerFresh(loaded, body, cause)) ?? ALREADY_USED;
  }

  /** What would be refused on the cache is first held against the wallet's fresh tail; null: nothing there refuses it. */
  async #answerFresh(
    loaded: LoadedStream<WalletState>,
    body: PurchaseCoinsBody,
    cause: Cause,
  ): Promise<CommandOutcome<PurchaseAnswer> | null> {
    await this.commands.shelf.refresh(loaded);
    const repeated = await this.#repeated(loaded, body, cause);
    if (repeated !== null) return repeated;
    const refusal = this.#refusal(loaded.state, body);
    return refusal === null ? null : this.#refusedUnlessClaimed(loaded, body, cause, refusal);
  }

  async #repeated(
    loaded: LoadedStream<WalletState>,
    body: PurchaseCoinsBody,
    cause: Cause,
  ): Promise<CommandOutcome<PurchaseAnswer> | null> {
    const known = this.commands.recall(loaded, cause);
    if (known === null) return null;
    const replay = await this.commands.replay(loaded.name, known, cause);
    if ('refused' in replay) return this.#refusedUnlessClaimed(loaded, body, cause, replay);
    const { events, position } = replay;
    return accepted((events[0] as CoinsPurchased).data, position, true);
  }

  #refusal(state: WalletState, body: PurchaseCoinsBody): Refused<WalletRefusal> | null {
    const { coins, price, provider, paymentId } = body;
    const occurredAt = instant(this.clock.now());
    const decided = this.commands.decide(
      { type: 'PurchaseCoins', coins, price, provider, paymentId, occurredAt },
      state,
    );
    return isRefused(decided) ? decided : null;
  }

  /** What was claimed before is completed, even where it would be refused today; where its key is taken, it is released. */
  async #refusedUnlessClaimed(
    loaded: LoadedStream<WalletState>,
    body: PurchaseCoinsBody,
    cause: Cause,
    refusal: Refused,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    if (!loaded.exists) return refusal;
    const claim = await this.claims.read(paymentStream(body.provider, body.paymentId));
    if (claim === null || !isSameCommand(claim.data, loaded.state.viewerId, cause)) return refusal;
    return this.#answerClaimed(loaded, { data: claim.data, revision: claim.revision, ours: false }, cause);
  }

  async #answerClaimed(
    loaded: LoadedStream<WalletState>,
    attempt: ClaimAttempt<PaymentClaimed>,
    cause: Cause,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    const fate = await this.completion.complete(loaded, attempt, cause.correlationId);
    if (fate === 'key-taken') return KEY_REUSED;
    const { purchase, position } = fate;
    // With the claim it was accepted: of two at once the one that claimed acts, whoever puts the coins into the wallet.
    return accepted(purchase, position, !attempt.ours);
  }

  #claimOf(viewerId: string, body: PurchaseCoinsBody, cause: Cause, walletRevision: number): PaymentClaim {
    const { coins, price, provider, paymentId } = body;
    return {
      provider,
      paymentId,
      viewerId,
      coins,
      price: { amountMinor: price.amountMinor, currency: price.currency },
      idempotencyKey: cause.idempotencyKey!,
      bodyHash: cause.bodyHash!,
      walletRevision,
      occurredAt: instant(this.clock.now()),
    };
  }
}

function isSameCommand(claim: PaymentClaim, viewerId: string, cause: Cause): boolean {
  return (
    claim.viewerId === viewerId && claim.idempotencyKey === cause.idempotencyKey && claim.bodyHash === cause.bodyHash
  );
}

function accepted(purchase: CoinsPurchased['data'], position: Position, replayed: boolean): Accepted<PurchaseAnswer> {
  const { purchaseId, viewerId, coins, balance } = purchase;
  return { answer: { purchaseId, viewerId, coins, balance, position }, created: true, replayed };
}
