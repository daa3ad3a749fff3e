import { CommandError, commandErrorOf, isConflict, isUnknown, type LoadedStream } from '@livegift/command-handling';
import { paymentStream, type CoinsPurchased, type PaymentClaimed, type WalletState } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, isRefused, type Clock, type Position } from '@livegift/kernel';
import type { ClaimAttempt, Claims } from '../claims.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import { walletEventsBetween, type RecordedWalletEvent } from '../wallets/wallet-events-between.js';

export type PaymentClaim = PaymentClaimed['data'];

export interface FoundPurchase {
  readonly purchase: CoinsPurchased['data'];
  readonly position: Position;
}

/** What has become of a claim. `key-taken`: nothing, for ever, since its key stands on another command. */
export type ClaimFate = FoundPurchase | 'key-taken';

/** What one event after the claim's revision says of the claim; null: nothing. The first that says something decides. */
export type ClaimRule = (event: RecordedWalletEvent, claim: PaymentClaim) => ClaimFate | null;

/** The key belongs to whoever wrote it into the wallet first. */
export const firstWithItsKey: ClaimRule = (event, claim) => {
  if (event.metadata.idempotencyKey !== claim.idempotencyKey) return null;
  if (event.type !== 'CoinsPurchased') return 'key-taken';
  const { provider, paymentId } = event.data;
  if (provider !== claim.provider || paymentId !== claim.paymentId) return 'key-taken';
  return { purchase: event.data, position: event.position };
};

/** Puts claimed payments into their wallets, once each. Who calls holds the wallet's lane. */
export class PurchaseCompletion {
  constructor(
    private readonly commands: WalletCommands,
    private readonly claims: Claims<PaymentClaimed>,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly bounds: { readonly conflictRetriesMax: number },
    private readonly rule: ClaimRule,
  ) {}

  /**
   * The first event after the claim's revision that carries its key decides, and the wallet's expected revision who may
   * write it: what is loaded is searched, and what comes after it makes the append conflict. A claim whose key went to
   * another command is released, so that the payment can be used under another key.
   * @throws CommandError
   */
  async complete(
    wallet: LoadedStream<WalletState>,
    { data: claim, revision }: Pick<ClaimAttempt<PaymentClaimed>, 'data' | 'revision'>,
    correlationId: string,
  ): Promise<ClaimFate> {
    let loaded = wallet;
    for (let conflicts = 0; conflicts <= this.bounds.conflictRetriesMax; conflicts++) {
      const fate = await this.#find(loaded, claim);
      if (fate === 'key-taken') await this.#release(claim, revision, correlationId);
      if (fate !== null) return fate;
      try {
        return await this.#append(loaded, claim, correlationId);
      } catch (failure) {
        this.commands.shelf.drop(loaded.name);
        if (!isConflict(failure) && !isUnknown(failure)) throw commandErrorOf(failure);
        loaded = await this.commands.shelf.load(loaded.name);
      }
    }
    throw new CommandError('contention', `${wallet.name} kept changing`);
  }

  async #append(loaded: LoadedStream<WalletState>, claim: PaymentClaim, correlationId: string): Promise<FoundPurchase> {
    const { idempotencyKey, bodyHash } = claim;
    const draft = this.commands.draft(loaded);
    const decided = this.commands.decide({ type: 'CompletePurchase', ...claim }, loaded.state);
    if (isRefused(decided)) throw new CommandError('unavailable', `a claimed purchase was refused: ${decided.refused}`);
    draft.stage(decided, { idempotencyKey, bodyHash, correlationId });
    const { revision, positions } = await this.store.append(loaded.name, draft.events, draft.expected);
    draft.commit({ revision, position: positions.at(-1)! });
    this.commands.shelf.keep(loaded);
    return { purchase: (decided[0] as CoinsPurchased).data, position: positions[0]! };
  }

  async #find(loaded: LoadedStream<WalletState>, claim: PaymentClaim): Promise<ClaimFate | null> {
    for await (const event of walletEventsBetween(this.store, loaded.name, claim.walletRevision, loaded.revision)) {
      const fate = this.rule(event, claim);
      if (fate !== null) return fate;
    }
    return null;
  }

  #release(claim: PaymentClaim, revision: number, correlationId: string): Promise<void> {
    const { provider, paymentId, viewerId, idempotencyKey } = claim;
    const data = { provider, paymentId, viewerId, idempotencyKey, occurredAt: instant(this.clock.now()) };
    return this.claims.release(paymentStream(provider, paymentId), revision, data, correlationId);
  }
}
