import { commandErrorOf, type CommandError } from '@livegift/command-handling';
import type { HistoryLine, LineAnswer } from '@livegift/contracts';
import { importStream, walletStream, type HistoryClaimed } from '@livegift/domain';
import { parseInstant, type Clock } from '@livegift/kernel';
import type { Claims } from '../claims.js';
import type { RoomReferences } from '../rooms/room-references.js';
import type { Rooms } from '../rooms/rooms.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import type { ClaimedLine, HistoryCompletion } from './history-completion.js';

export interface NumberedHistoryLine {
  readonly line: number;
  readonly body: HistoryLine;
}

type HistoryClaim = HistoryClaimed['data'];

/** A line on its way; `answer` says that it has got there. */
interface LineUnderWay extends NumberedHistoryLine {
  /** Somebody has claimed its importId before. */
  existing: HistoryClaim | null;
  answer: LineAnswer | null;
}

/**
 * Imports history from elsewhere: every line counts once, for ever. Chunk after chunk, so that lines enter the log in
 * their order: the rooms, then the claims side by side, then the wallets' events in line order, holding the wallets' lanes.
 */
export class History {
  constructor(
    private readonly commands: WalletCommands,
    private readonly rooms: Rooms,
    private readonly references: RoomReferences,
    private readonly claims: Claims<HistoryClaimed>,
    private readonly completion: HistoryCompletion,
    private readonly clock: Clock,
    private readonly bounds: { readonly importChunkLines: number },
  ) {}

  /** One answer a line, in the order of the lines. Never rejects for what happens to a line. */
  async import(lines: readonly NumberedHistoryLine[], correlationId: string): Promise<LineAnswer[]> {
    const underWay = lines.map(({ line, body }): LineUnderWay => ({ line, body, existing: null, answer: null }));
    for (const chunk of chunksOf(underWay, this.bounds.importChunkLines)) {
      try {
        await this.#importChunk(chunk, correlationId);
      } catch (failure) {
        const { code } = commandErrorOf(failure);
        for (const line of chunk) line.answer ??= retry(line, code);
      }
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

  async #importChunk(chunk: readonly LineUnderWay[], correlationId: string): Promise<void> {
    for (const line of chunk) this.#refuseFuture(line);
    await this.#settleRooms(chunk, correlationId);
    const toClaim = chunk.filter((line) => line.answer === null);
    if (toClaim.length === 0) return;
    const streams = [...new Set(toClaim.map(({ body }) => walletStream(body.viewerId)))];
    await this.commands.exclusive(streams, async () => {
      const loaded = await this.completion.load(streams);
      const claimed: (readonly [LineUnderWay, ClaimedLine])[] = [];
      const attempts = await Promise.all(
        toClaim.map((line) => {
          const walletRevision = loaded.get(walletStream(line.body.viewerId))!.revision;
          return this.#claim(line, walletRevision, correlationId);
        }),
      );
      toClaim.forEach((line, index) => {
        const attempt = attempts[index]!;
        if (attempt !== null) claimed.push([line, attempt]);
      });
      const failure = await this.#complete(claimed, loaded, correlationId);
      for (const [line, { done, ours }] of claimed) {
        if (done === null) line.answer = retry(line, failure?.code ?? 'unavailable');
        else line.answer = { line: line.line, status: ours ? 'accepted' : 'replayed', ...done };
      }
    });
  }

  async #complete(
    claimed: readonly (readonly [LineUnderWay, ClaimedLine])[],
    loaded: Parameters<HistoryCompletion['complete']>[1],
    correlationId: string,
  ): Promise<CommandError | null> {
    try {
      await this.completion.complete(
        claimed.map(([, line]) => line),
        loaded,
        correlationId,
      );
      return null;
    } catch (failure) {
      return commandErrorOf(failure);
    }
  }

  /** Null: the line has its answer. */
  async #claim(line: LineUnderWay, walletRevision: number, correlationId: string): Promise<ClaimedLine | null> {
    const { importId, at, roomId, creatorId, viewerId, coins } = line.body;
    const wanted: HistoryClaim = { importId, roomId, creatorId, viewerId, coins, walletRevision, occurredAt: at };
    try {
      const { data, ours } =
        line.existing === null
          ? await this.claims.claim(importStream(importId), wanted, correlationId)
          : { data: line.existing, ours: false };
      if (ours || isSameContent(data, wanted)) return { claim: data, ours, done: null };
      line.answer = refused(line, 'import-id-reused');
    } catch (failure) {
      line.answer = retry(line, commandErrorOf(failure).code);
    }
    return null;
  }

  /**
   * Opens the rooms that are new, each by the first line that will count, and refuses lines of a room of another creator.
   * Whether a line has been claimed comes first: a repeated one is answered as before, and opens nothing.
   */
  async #settleRooms(chunk: readonly LineUnderWay[], correlationId: string): Promise<void> {
    const byRoom = new Map<string, LineUnderWay[]>();
    for (const line of chunk) {
      if (line.answer !== null) continue;
      const lines = byRoom.get(line.body.roomId);
      if (lines === undefined) byRoom.set(line.body.roomId, [line]);
      else lines.push(line);
    }
    await Promise.all(
      [...byRoom].map(async ([roomId, lines]) => {
        try {
          await this.#settleRoom(roomId, lines, correlationId);
        } catch (failure) {
          const { code } = commandErrorOf(failure);
          for (const line of lines) line.answer ??= retry(line, code);
        }
      }),
    );
  }

  async #settleRoom(roomId: string, lines: readonly LineUnderWay[], correlationId: string): Promise<void> {
    let creatorId = (await this.references.get(roomId))?.creatorId ?? null;
    const strangers = lines.filter(({ body }) => body.creatorId !== creatorId);
    await Promise.all(
      strangers.map(async (line) => {
        line.existing = (await this.claims.read(importStream(line.body.importId)))?.data ?? null;
      }),
    );
    for (const line of strangers) {
      if (line.existing !== null || line.body.creatorId === creatorId) continue;
      const { at, creatorId: wanted } = line.body;
      const refusal =
        creatorId === null ? await this.rooms.openForHistory(roomId, wanted, at, correlationId) : MISMATCH;
      if (refusal === null) creatorId = wanted;
      else line.answer = refused(line, refusal.refused);
    }
  }

  /** HTTP has looked already; this is for who calls from elsewhere. */
  #refuseFuture(line: LineUnderWay): void {
    const atMs = parseInstant(line.body.at);
    if (atMs !== null && atMs <= this.clock.now()) return;
    const rule = atMs === null ? 'isInstant' : 'notInFuture';
    line.answer = { line: line.line, status: 'invalid', errors: [{ path: 'body.at', rule }] };
  }
}

const MISMATCH = { refused: 'room-creator-mismatch' } as const;

/** A chunk ends early before an importId that it has already, so that the second line finds the first one's claim. */
function* chunksOf(lines: readonly LineUnderWay[], linesMax: number): Generator<readonly LineUnderWay[]> {
  let chunk: LineUnderWay[] = [];
  let importIds = new Set<string>();
  for (const line of lines) {
    if (chunk.length === linesMax || importIds.has(line.body.importId)) {
      yield chunk;
      chunk = [];
      importIds = new Set();
    }
    chunk.push(line);
    importIds.add(line.body.importId);
  }
  if (chunk.length > 0) yield chunk;
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

function refused(line: LineUnderWay, code: string): LineAnswer {
  return { line: line.line, status: 'refused', code };
}

function retry(line: LineUnderWay, code: string): LineAnswer {
  return { line: line.line, status: 'retry', code };
}
