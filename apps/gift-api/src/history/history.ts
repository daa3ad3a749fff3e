import { commandErrorOf, type CommandError } from '@livegift/command-handling';
import { fieldError, type LineAnswer } from '@livegift/contracts';
import { importStream, walletStream, type HistoryClaimed } from '@livegift/domain';
import {
  CREATOR_LIMIT_DIAMONDS,
  diamondsFor,
  parseInstant,
  pause,
  type Clock,
  type Diamonds,
  type Scheduler,
} from '@livegift/kernel';
import type { Claims } from '../claims.js';
import type { CreatorEarnings } from '../creators/creator-earnings.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import {
  chunksOf,
  refused,
  retry,
  retryAfter,
  retryBehind,
  RisingPositions,
  slicesOf,
  type LineUnderWay,
  type NumberedHistoryLine,
} from './lines-under-way.js';
import type { NewSubjects } from '../new-subjects.js';
import type { ClaimedLine, HeldWallets, HistoryCompletion } from './history-completion.js';
import type { HistoryRooms } from './history-rooms.js';

type HistoryClaim = HistoryClaimed['data'];

export interface HistoryConfig {
  readonly importChunkLines: number;
  readonly importSliceLines: number;
  readonly creatorShareBps: number;
}

/**
 * Imports history from elsewhere: every line counts once, for ever. Chunk after chunk: the rooms, then slice after slice the
 * claims, then the wallets' events, both in line order, holding the wallets' lanes. The claims of a slice are written while
 * the slice before goes into its wallets: where each append waits for the one before, that takes half of the time.
 *
 * Lines enter history in their order, whatever happens on the way: a line that must be sent again stops its request, so
 * that no later one goes ahead of it, and a process that dies leaves claims that are a prefix of its lines, which whoever
 * comes finishes in that order. Where another request brings the same lines in another order, a line that stands before
 * one that was accepted ahead of it is `replayed`: that other request has put it there.
 */
export class History {
  constructor(
    private readonly commands: WalletCommands,
    private readonly rooms: HistoryRooms,
    private readonly earnings: CreatorEarnings,
    private readonly newSubjects: NewSubjects,
    private readonly claims: Claims<HistoryClaimed>,
    private readonly completion: HistoryCompletion,
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
    private readonly config: HistoryConfig,
  ) {}

  /** One answer a line, in the order of the lines. Never rejects for what happens to a line. */
  async import(lines: readonly NumberedHistoryLine[], correlationId: string): Promise<LineAnswer[]> {
    const underWay = lines.map(({ line, body }): LineUnderWay => ({ line, body, existing: null, answer: null }));
    const order = new RisingPositions();
    for (const chunk of chunksOf(underWay, this.config.importChunkLines)) {
      // Where everything is known already nothing is waited for, and others would get no turn.
      if (chunk[0] !== underWay[0]) await pause(this.scheduler, 0);
      try {
        await this.#importChunk(chunk, order, correlationId);
      } catch (failure) {
        for (const line of chunk) line.answer ??= retryAfter(line, failure);
      }
      if (retryBehind(underWay)) break;
    }
    return underWay.map((line) => line.answer!);
  }

  /** Completes what somebody has claimed, if it has not been. @throws CommandError */
  finish(claim: HistoryClaim, correlationId: string): Promise<void> {
    const stream = walletStream(claim.viewerId);
    return answering(() =>
      this.commands.exclusive([stream], async () => {
        const loaded = await this.completion.load([stream]);
        const line: ClaimedLine = { claim, ours: false, done: null };
        await this.completion.complete([line], loaded, correlationId);
      }),
    );
  }

  async #importChunk(chunk: readonly LineUnderWay[], order: RisingPositions, correlationId: string): Promise<void> {
    for (const line of chunk) this.#refuseFuture(line);
    await this.rooms.settle(chunk, correlationId);
    retryBehind(chunk);
    const toClaim = chunk.filter((line) => line.answer === null);
    if (toClaim.length === 0) return;
    const streams = [...new Set(toClaim.map(({ body }) => walletStream(body.viewerId)))];
    await this.commands.exclusive(streams, async () => {
      const wallets = await this.completion.load(streams);
      let completed: Promise<void> = Promise.resolve();
      for (const slice of slicesOf(toClaim, this.config.importSliceLines)) {
        await this.#refuseBeyondLimit(slice);
        await this.#putOffNewViewers(slice, wallets);
        retryBehind(toClaim);
        const countable = slice.filter((line) => line.answer === null);
        const claimed = await this.#claim(countable, wallets, correlationId);
        await completed;
        // What was claimed behind a line that must be sent again is left to whoever comes, as after a crash.
        const isStopped = retryBehind(toClaim);
        const open = claimed.filter(([line]) => line.answer === null);
        completed = this.#complete(open, wallets, order, correlationId);
        if (isStopped) break;
      }
      await completed;
      retryBehind(toClaim);
    });
  }

  /** A creator that has earned as much as can be counted gets no new line; one that is known already is a replay. */
  async #refuseBeyondLimit(lines: readonly LineUnderWay[]): Promise<void> {
    const earned = new Map<string, Diamonds>();
    for (const line of lines) {
      const { creatorId, coins, importId } = line.body;
      try {
        const diamonds =
          earned.get(creatorId) ?? this.earnings.cached(creatorId) ?? (await this.earnings.get(creatorId));
        earned.set(creatorId, diamonds + diamondsFor(coins, this.config.creatorShareBps));
        if (diamonds < CREATOR_LIMIT_DIAMONDS) continue;
        line.existing ??= (await this.claims.read(importStream(importId)))?.data ?? null;
        if (line.existing === null) line.answer = refused(line, 'creator-limit');
      } catch (failure) {
        line.answer = retryAfter(line, failure);
      }
    }
  }

  /** A viewer that is new must wait while the read model is full; a line that was claimed before is completed. */
  async #putOffNewViewers(lines: readonly LineUnderWay[], wallets: HeldWallets): Promise<void> {
    if (!this.newSubjects.areFull) return;
    for (const line of lines) {
      if (line.answer !== null || wallets.of(line.body.viewerId).revision !== -1) continue;
      try {
        line.existing ??= (await this.claims.read(importStream(line.body.importId)))?.data ?? null;
        if (line.existing === null) this.newSubjects.assertAdmitted();
      } catch (failure) {
        line.answer = retryAfter(line, failure);
        return;
      }
    }
  }

  /** The lines that are claimed with this content, by this request or an earlier one; the others have their answer. */
  async #claim(
    lines: readonly LineUnderWay[],
    wallets: HeldWallets,
    correlationId: string,
  ): Promise<(readonly [LineUnderWay, ClaimedLine])[]> {
    const wanted = lines.map(({ body: { importId, at, roomId, creatorId, viewerId, coins } }) => {
      const walletRevision = wallets.of(viewerId).revision;
      const data = { importId, roomId, creatorId, viewerId, coins, walletRevision, occurredAt: at };
      return { stream: importStream(importId), data };
    });
    const { attempts, failure } = await this.claims.claimInOrder(wanted, correlationId);
    const claimed: (readonly [LineUnderWay, ClaimedLine])[] = [];
    lines.forEach((line, index) => {
      const attempt = attempts[index];
      if (attempt === undefined) {
        line.answer = retry(line, failure?.code ?? 'unavailable');
      } else if (attempt.ours || isSameContent(attempt.data, wanted[index]!.data)) {
        claimed.push([line, { claim: attempt.data, ours: attempt.ours, done: null }]);
      } else {
        line.answer = refused(line, 'import-id-reused');
      }
    });
    return claimed;
  }

  /** Never rejects: what has become of each line is its answer. */
  async #complete(
    claimed: readonly (readonly [LineUnderWay, ClaimedLine])[],
    wallets: HeldWallets,
    order: RisingPositions,
    correlationId: string,
  ): Promise<void> {
    let failure: CommandError | null = null;
    try {
      const lines = claimed.map(([, line]) => line);
      await this.completion.complete(lines, wallets, correlationId);
    } catch (caught) {
      failure = commandErrorOf(caught);
    }
    for (const [line, { done, ours }] of claimed) {
      const { creatorId, coins } = line.body;
      if (done !== null && ours) {
        this.earnings.sent(creatorId, diamondsFor(coins, this.config.creatorShareBps), done.position);
      }
      if (done === null) line.answer = retry(line, failure?.code ?? 'unavailable');
      else
        line.answer = {
          line: line.line,
          status: ours && order.rises(done.position) ? 'accepted' : 'replayed',
          ...done,
        };
    }
  }

  /** HTTP has looked already; this is for who calls from elsewhere. */
  #refuseFuture(line: LineUnderWay): void {
    const atMs = parseInstant(line.body.at);
    if (atMs !== null && atMs <= this.clock.now()) return;
    const rule = atMs === null ? 'isInstant' : 'notInFuture';
    line.answer = { line: line.line, status: 'invalid', errors: [fieldError('body.at', rule)] };
  }
}

/** Times compare as times: `12:00:00Z` is `12:00:00.000Z`. */
function isSameContent(a: HistoryClaim, b: HistoryClaim): boolean {
  return (
    a.roomId === b.roomId &&
    a.creatorId === b.creatorId &&
    a.viewerId === b.viewerId &&
    a.coins === b.coins &&
    parseInstant(a.occurredAt) === parseInstant(b.occurredAt)
  );
}
