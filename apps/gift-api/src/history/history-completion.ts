import {
  CommandError,
  commandErrorOf,
  isConflict,
  isUnknown,
  type Draft,
  type LoadedStream,
} from '@livegift/command-handling';
import { walletStream, type GiftSent, type HistoryClaimed, type WalletEvent, type WalletState } from '@livegift/domain';
import type { Appended, EventStore, OrderedAppend } from '@livegift/event-store';
import { isRefused, type Position } from '@livegift/kernel';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import { walletEventsBetween } from '../wallets/wallet-events-between.js';

type HistoryClaim = HistoryClaimed['data'];

/** Wallets that one call holds: as they were loaded, and what it has put into them since. */
export class HeldWallets {
  readonly #loaded = new Map<string, LoadedStream<WalletState>>();
  /** Up to here a wallet has nothing of others that was not there when it was loaded first. */
  readonly #ownThrough = new Map<string, number>();
  /** Others have appended to these since: they may have completed lines that this call has claimed and not yet appended. */
  readonly #shared = new Set<string>();

  constructor(loaded: readonly LoadedStream<WalletState>[]) {
    for (const wallet of loaded) this.#loaded.set(wallet.name, wallet);
  }

  of(viewerId: string): LoadedStream<WalletState> {
    return this.#loaded.get(walletStream(viewerId))!;
  }

  appended(stream: string, revision: number): void {
    if (!this.#shared.has(stream)) this.#ownThrough.set(stream, revision);
  }

  /** Others may have been there. What this call appends afterwards says nothing about what they put before it. */
  reloaded(wallet: LoadedStream<WalletState>): void {
    this.#loaded.set(wallet.name, wallet);
    this.#shared.add(wallet.name);
    this.#ownThrough.delete(wallet.name);
  }

  /** The line's gift, if it is in its wallet, stands after this revision. */
  lookedThrough({ claim, ours }: ClaimedLine): number {
    const own = ours ? this.#ownThrough.get(walletStream(claim.viewerId)) : undefined;
    return Math.max(claim.walletRevision, own ?? -1);
  }
}

/** A claimed line; `done` is where its gift stands. */
export interface ClaimedLine {
  readonly claim: HistoryClaim;
  /** Claimed just now, by this call. */
  readonly ours: boolean;
  done: { readonly giftId: string; readonly position: Position } | null;
}

/** Puts claimed lines into their wallets, in line order, those that are not there yet. Who calls holds the wallets' lanes. */
export class HistoryCompletion {
  constructor(
    private readonly commands: WalletCommands,
    private readonly store: EventStore,
    private readonly terms: { readonly creatorShareBps: number; readonly conflictRetriesMax: number },
  ) {}

  /** @throws EventStoreError */
  async load(streams: readonly string[]): Promise<HeldWallets> {
    return new HeldWallets(await Promise.all(streams.map((stream) => this.commands.loadHeld(stream))));
  }

  /**
   * What others may have completed stands after the claim's revision: what is loaded beyond that is searched, and what comes
   * after it makes the append conflict. Lines before a failure are done.
   * @throws CommandError
   */
  async complete(lines: readonly ClaimedLine[], wallets: HeldWallets, correlationId: string): Promise<void> {
    let open = lines;
    for (let conflicts = 0; conflicts <= this.terms.conflictRetriesMax; conflicts++) {
      await this.#find(open, wallets);
      open = open.filter((line) => line.done === null);
      if (open.length === 0) return;
      const failure = await this.#append(open, wallets, correlationId);
      if (failure === undefined) return;
      if (!isConflict(failure) && !isUnknown(failure)) throw commandErrorOf(failure);
      open = open.filter((line) => line.done === null);
      await this.#reload(open, wallets);
    }
    throw new CommandError('contention', 'the wallets of a line of history kept changing');
  }

  /** One append after the other: the whole log has them in line order. */
  async #append(
    lines: readonly ClaimedLine[],
    wallets: HeldWallets,
    correlationId: string,
  ): Promise<Error | undefined> {
    const drafts = new Map<string, Draft<WalletState, WalletEvent>>();
    const staged = lines.map(({ claim }) => {
      const stream = walletStream(claim.viewerId);
      let draft = drafts.get(stream);
      if (draft === undefined) drafts.set(stream, (draft = this.commands.draft(wallets.of(claim.viewerId))));
      return this.#stage(draft, claim, correlationId);
    });
    const { results, failure } = await this.store.appendInOrder(staged.map(({ entry }) => entry));
    const newest = new Map<string, Appended>();
    results.forEach((result, index) => {
      const { entry, giftId } = staged[index]!;
      lines[index]!.done = { giftId, position: result.position };
      newest.set(entry.stream, result);
    });
    const partly = new Set(staged.slice(results.length).map(({ entry }) => entry.stream));
    for (const [stream, draft] of drafts) {
      if (partly.has(stream)) {
        this.commands.shelf.drop(stream);
      } else {
        const appended = newest.get(stream)!;
        draft.commit(appended);
        wallets.appended(stream, appended.revision);
        this.commands.shelf.keep(draft.loaded);
      }
    }
    return failure;
  }

  #stage(
    draft: Draft<WalletState, WalletEvent>,
    claim: HistoryClaim,
    correlationId: string,
  ): { readonly entry: OrderedAppend; readonly giftId: string } {
    const revision = draft.nextRevision;
    const before = draft.events.length;
    const { creatorShareBps } = this.terms;
    const decided = this.commands.decide({ type: 'ImportGift', ...claim, creatorShareBps }, draft.state);
    if (isRefused(decided)) throw new CommandError('unavailable', `a claimed line was refused: ${decided.refused}`);
    draft.stage(decided, { idempotencyKey: null, bodyHash: null, correlationId });
    const entry: OrderedAppend = {
      stream: draft.loaded.name,
      events: draft.events.slice(before),
      expected: revision === 0 ? 'no-stream' : revision - 1,
    };
    return { entry, giftId: (decided.at(-1) as GiftSent).data.giftId };
  }

  async #reload(lines: readonly ClaimedLine[], wallets: HeldWallets): Promise<void> {
    const streams = [...new Set(lines.map(({ claim }) => walletStream(claim.viewerId)))];
    await Promise.all(streams.map(async (stream) => wallets.reloaded(await this.commands.shelf.load(stream))));
  }

  /** Each wallet is read once for all of its lines, only where a line may stand. */
  async #find(lines: readonly ClaimedLine[], wallets: HeldWallets): Promise<void> {
    const byWallet = new Map<string, ClaimedLine[]>();
    for (const line of lines) {
      const { name: stream, revision } = wallets.of(line.claim.viewerId);
      if (revision <= wallets.lookedThrough(line)) continue;
      const known = byWallet.get(stream);
      if (known === undefined) byWallet.set(stream, [line]);
      else known.push(line);
    }
    if (byWallet.size === 0) return;
    await Promise.all(
      [...byWallet].map(([stream, wanted]) =>
        this.#findIn(stream, wallets.of(wanted[0]!.claim.viewerId).revision, wanted),
      ),
    );
  }

  async #findIn(stream: string, through: number, lines: readonly ClaimedLine[]): Promise<void> {
    const wanted = new Map(lines.map((line) => [line.claim.importId, line]));
    const byRevision = lines.toSorted((a, b) => a.claim.walletRevision - b.claim.walletRevision);
    let after = -1;
    for (const first of byRevision) {
      if (first.done !== null) continue;
      after = Math.max(after, first.claim.walletRevision);
      for await (const event of walletEventsBetween(this.store, stream, after, through)) {
        after = event.revision;
        if (event.type !== 'GiftSent' || event.data.importId === null) continue;
        const line = wanted.get(event.data.importId);
        if (line !== undefined) line.done = { giftId: event.data.giftId, position: event.position };
        // The next line may stand much later: it is looked for where it can be.
        if (line === first) break;
      }
    }
  }
}
