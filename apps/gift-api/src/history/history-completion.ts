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
export type LoadedWallets = Map<string, LoadedStream<WalletState>>;

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
  async load(streams: readonly string[]): Promise<LoadedWallets> {
    const loaded = await Promise.all(streams.map((stream) => this.commands.loadHeld(stream)));
    return new Map(loaded.map((wallet) => [wallet.name, wallet]));
  }

  /**
   * What others may have completed stands after the claim's revision: what is loaded beyond that is searched, and what comes
   * after it makes the append conflict. Lines before a failure are done.
   * @throws CommandError
   */
  async complete(lines: readonly ClaimedLine[], wallets: LoadedWallets, correlationId: string): Promise<void> {
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
    wallets: LoadedWallets,
    correlationId: string,
  ): Promise<Error | undefined> {
    const drafts = new Map<string, Draft<WalletState, WalletEvent>>();
    const staged = lines.map(({ claim }) => {
      const stream = walletStream(claim.viewerId);
      let draft = drafts.get(stream);
      if (draft === undefined) drafts.set(stream, (draft = this.commands.draft(wallets.get(stream)!)));
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
        draft.commit(newest.get(stream)!);
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

  async #reload(lines: readonly ClaimedLine[], wallets: LoadedWallets): Promise<void> {
    const streams = [...new Set(lines.map(({ claim }) => walletStream(claim.viewerId)))];
    await Promise.all(streams.map(async (stream) => wallets.set(stream, await this.commands.shelf.load(stream))));
  }

  /** Each wallet is read once for all of its lines, only where a line may stand. */
  async #find(lines: readonly ClaimedLine[], wallets: LoadedWallets): Promise<void> {
    const byWallet = new Map<string, ClaimedLine[]>();
    for (const line of lines) {
      const stream = walletStream(line.claim.viewerId);
      if (wallets.get(stream)!.revision <= line.claim.walletRevision) continue;
      const known = byWallet.get(stream);
      if (known === undefined) byWallet.set(stream, [line]);
      else known.push(line);
    }
    if (byWallet.size === 0) return;
    await Promise.all(
      [...byWallet].map(([stream, wanted]) => this.#findIn(stream, wallets.get(stream)!.revision, wanted)),
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
