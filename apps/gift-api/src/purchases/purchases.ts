import {
  CommandError,
  commandErrorOf,
  isConflict,
  isUnknown,
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
import type { EventStore } from '@livegift/event-store';
import { instant, isRefused, type Clock, type Position, type Refused } from '@livegift/kernel';
import { causeOf } from '../cause.js';
import type { ClaimAttempt, Claims } from '../claims.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import { walletEventsBetween } from '../wallets/wallet-events-between.js';

type PaymentClaim = PaymentClaimed['data'];

interface FoundPurchase {
  readonly purchase: CoinsPurchased['data'];
  readonly position: Position;
}

const ALREADY_USED: Refused = { refused: 'payment-already-used' };

/**
 * Buys coins. A payment makes coins once, across all wallets: it is decided dry, then claimed with everything that is
 * needed to finish it, then appended to the wallet. Once claimed it can no longer be refused; whoever comes (this call, a
 * repeat, the finisher) completes it, and finds it if somebody was quicker. See ADR 0004.
 */
export class Purchases {
  constructor(
    private readonly commands: WalletCommands,
    private readonly claims: Claims<PaymentClaimed>,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly bounds: { readonly conflictRetriesMax: number },
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
  finish(claim: PaymentClaim, correlationId: string): Promise<void> {
    const stream = walletStream(claim.viewerId);
    return answering(() =>
      this.commands.exclusive([stream], async () => {
        await this.#complete(await this.commands.loadHeld(stream), claim, correlationId);
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
    const repeated = await this.#repeated(loaded, cause);
    if (repeated !== null) return repeated;
    if (this.#refusal(loaded.state, body) !== null) {
      // Perhaps only the cache is behind.
      await this.commands.shelf.refresh(loaded);
      const repeatedElsewhere = await this.#repeated(loaded, cause);
      if (repeatedElsewhere !== null) return repeatedElsewhere;
      const refusal = this.#refusal(loaded.state, body);
      if (refusal !== null) return this.#refusedUnlessClaimed(loaded, body, cause, refusal);
    }
    const claim = this.#claimOf(viewerId, body, cause, loaded.revision);
    const attempt = await this.claims.claim(paymentStream(body.provider, body.paymentId), claim, cause.correlationId);
    return this.#answerClaimed(loaded, attempt, cause);
  }

  async #repeated(loaded: LoadedStream<WalletState>, cause: Cause): Promise<CommandOutcome<PurchaseAnswer> | null> {
    const known = this.commands.recall(loaded, cause);
    if (known === null) return null;
    const replay = await this.commands.replay(loaded.name, known, cause);
    if ('refused' in replay) return replay;
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

  /** What was claimed before is completed, even where it would be refused today. */
  async #refusedUnlessClaimed(
    loaded: LoadedStream<WalletState>,
    body: PurchaseCoinsBody,
    cause: Cause,
    refusal: Refused,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    if (!loaded.exists) return refusal;
    const claim = await this.claims.read(paymentStream(body.provider, body.paymentId));
    if (claim === null || !isSameCommand(claim.data, loaded.state.viewerId, cause)) return refusal;
    return this.#answerClaimed(loaded, { data: claim.data, ours: false }, cause);
  }

  async #answerClaimed(
    loaded: LoadedStream<WalletState>,
    attempt: ClaimAttempt<PaymentClaimed>,
    cause: Cause,
  ): Promise<CommandOutcome<PurchaseAnswer>> {
    if (!attempt.ours && !isSameCommand(attempt.data, loaded.state.viewerId, cause)) return ALREADY_USED;
    const { purchase, position } = await this.#complete(loaded, attempt.data, cause.correlationId);
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

  /**
   * Somebody else's completion stands after the claim's revision: what is loaded beyond that is searched, and what comes
   * after it makes the append conflict. Only for who holds the wallet's lane.
   */
  async #complete(
    start: LoadedStream<WalletState>,
    claim: PaymentClaim,
    correlationId: string,
  ): Promise<FoundPurchase> {
    const { idempotencyKey, bodyHash } = claim;
    let loaded = start;
    for (let conflicts = 0; conflicts <= this.bounds.conflictRetriesMax; conflicts++) {
      const found = await this.#find(loaded, claim);
      if (found !== null) return found;
      const draft = this.commands.draft(loaded);
      const decided = this.commands.decide({ type: 'CompletePurchase', ...claim }, loaded.state);
      if (isRefused(decided))
        throw new CommandError('unavailable', `a claimed purchase was refused: ${decided.refused}`);
      draft.stage(decided, { idempotencyKey, bodyHash, correlationId });
      try {
        const result = await this.store.append(loaded.name, draft.events, draft.expected);
        draft.commit(result);
        this.commands.shelf.keep(loaded);
        return { purchase: (decided[0] as CoinsPurchased).data, position: result.positions[0]! };
      } catch (failure) {
        this.commands.shelf.drop(loaded.name);
        if (!isConflict(failure) && !isUnknown(failure)) throw commandErrorOf(failure);
        loaded = await this.commands.shelf.load(loaded.name);
      }
    }
    throw new CommandError('contention', `${start.name} kept changing`);
  }

  async #find(loaded: LoadedStream<WalletState>, claim: PaymentClaim): Promise<FoundPurchase | null> {
    for await (const event of walletEventsBetween(this.store, loaded.name, claim.walletRevision, loaded.revision)) {
      if (event.type !== 'CoinsPurchased') continue;
      const { provider, paymentId } = event.data;
      if (provider !== claim.provider || paymentId !== claim.paymentId) continue;
      return { purchase: event.data, position: event.position };
    }
    return null;
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
