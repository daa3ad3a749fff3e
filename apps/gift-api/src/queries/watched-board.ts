import type { BoardAnswer } from '@livegift/contracts';
import { instant, type Clocks, type Position, type Telemetry } from '@livegift/kernel';
import { partitionOf, ReadModelError, type ReadModel } from '@livegift/read-model';
import type { BoardReads, BoardRequest } from './board.queries.js';

/** No client is shown a board more often than this. */
export const BOARD_INTERVAL_MS = 250;
/** After the end of a period gifts of that period may still be on their way into the log. */
export const PERIOD_SETTLES_MS = 500;
/** A read model that lags further behind does not hold up the next period. */
export const PERIOD_ENDS_WITHIN_MS_MAX = 5_000;

export interface BoardWatcher {
  show(board: BoardAnswer): void;
  /** The board can no longer be shown. */
  end(): void;
}

export interface Watching {
  readonly watcher: BoardWatcher;
  shown: string | null;
  shownAtMs: number;
  /** Of which period the shown board is. */
  period: number;
}

export interface WatchedBoardParts {
  readonly boards: Pick<BoardReads, 'read'>;
  readonly readModel: Pick<ReadModel, 'checkpoint' | 'partitionCount'>;
  /** End of the log. */
  head(): Promise<Position | null>;
  readonly clock: Clocks;
  readonly telemetry: Telemetry;
}

/** A period is over by the clock, and its final state is not shown to every client yet. */
interface Ending {
  readonly sinceMs: number;
  /** What the read model must contain; asked for once the period has settled. */
  head: Position | null | undefined;
  isFinal: boolean;
}

/** One board and all who watch it: the same question of many clients is asked once. */
export class WatchedBoard {
  readonly watchings = new Set<Watching>();
  readonly #partition: number;
  #latest: { readonly board: BoardAnswer; readonly text: string } | null = null;
  /** Counts the periods that were shown. */
  #period = 0;
  #ending: Ending | null = null;
  /** Checkpoint of the partition when it was last read. */
  #readThrough: Position | null | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #isReading = false;

  constructor(
    private readonly request: BoardRequest,
    private readonly parts: WatchedBoardParts,
  ) {
    this.#partition = partitionOf({ board: request.board }, parts.readModel.partitionCount);
  }

  /** Shows `first` at once. */
  add(watcher: BoardWatcher, first: BoardAnswer): Watching {
    // What was shown must have an end too, also if its period is over before the board is read again.
    this.#latest ??= { board: first, text: textOf(first) };
    const isOfNextPeriod = startOf(first) > startOf(this.#latest.board);
    const period = this.#period + (isOfNextPeriod ? 1 : 0);
    const watching: Watching = { watcher, shown: null, shownAtMs: 0, period };
    this.watchings.add(watching);
    this.#show(watching, first, textOf(first));
    return watching;
  }

  endAll(): void {
    for (const { watcher } of this.watchings) watcher.end();
  }

  /** Reads the board if something may have changed, and shows what is new. Never rejects. */
  async look(): Promise<void> {
    const nowMs = this.parts.clock.elapsedMs();
    if (!this.#isReading && nowMs - this.#readAtMs >= BOARD_INTERVAL_MS) await this.#follow(nowMs);
    this.#showAll();
  }

  async #follow(nowMs: number): Promise<void> {
    const { readModel, telemetry } = this.parts;
    this.#isReading = true;
    try {
      const through = (await readModel.checkpoint(this.#partition))?.position ?? null;
      if (this.#ending === null && this.#isOver()) {
        this.#ending = { sinceMs: nowMs, head: undefined, isFinal: false };
      }
      if (this.#ending !== null) await this.#endPeriod(this.#ending, through, nowMs);
      else if (through !== this.#readThrough) await this.#read(this.request, through, nowMs);
      else if (this.#isAhead()) await this.#beginPeriod(through, nowMs);
    } catch (error) {
      // While the read model is away or being rebuilt the stream is silent and goes on afterwards.
      if (error instanceof ReadModelError && error.code === 'period-expired') this.endAll();
      else telemetry.count('board_stream_reads_failed_total');
      this.#readAtMs = nowMs;
    } finally {
      this.#isReading = false;
    }
  }

  /** The last state that clients see of a period is its final one: then, and not before, the next one begins. */
  async #endPeriod(ending: Ending, through: Position | null, nowMs: number): Promise<void> {
    if (!ending.isFinal) {
      const isSettled = await this.#hasSettled(ending, through, nowMs);
      if (isSettled || through !== this.#readThrough) {
        const at = instant(endOf(this.#latest!.board) - 1);
        await this.#read({ ...this.request, at }, through, nowMs);
      }
      ending.isFinal = isSettled;
    }
    if (ending.isFinal && this.#isShownToAll()) await this.#beginPeriod(through, nowMs);
  }

  async #hasSettled(ending: Ending, through: Position | null, nowMs: number): Promise<boolean> {
    const waitedMs = nowMs - ending.sinceMs;
    if (waitedMs < PERIOD_SETTLES_MS) return false;
    if (waitedMs >= PERIOD_ENDS_WITHIN_MS_MAX) {
      this.parts.telemetry.count('board_stream_periods_unsettled_total');
      return true;
    }
    if (ending.head === undefined) ending.head = await this.parts.head();
    return ending.head === null || (through !== null && through >= ending.head);
  }

  async #beginPeriod(through: Position | null, nowMs: number): Promise<void> {
    await this.#read(this.request, through, nowMs);
    this.#period++;
    this.#ending = null;
  }

  async #read(request: BoardRequest, through: Position | null, nowMs: number): Promise<void> {
    const board = await this.parts.boards.read(request);
    this.#latest = { board, text: textOf(board) };
    this.#readThrough = through;
    this.#readAtMs = nowMs;
  }

  #isOver(): boolean {
    return this.#isOfNow() && this.parts.clock.now() >= endOf(this.#latest!.board);
  }

  /** The clock was set back to before the period that is shown. */
  #isAhead(): boolean {
    return this.#isOfNow() && this.parts.clock.now() < startOf(this.#latest!.board);
  }

  #isOfNow(): boolean {
    return this.#latest !== null && this.request.at === undefined;
  }

  #isShownToAll(): boolean {
    return [...this.watchings].every(({ shown, period }) => period > this.#period || shown === this.#latest!.text);
  }

  #showAll(): void {
    if (this.#latest === null) return;
    const { board, text } = this.#latest;
    const nowMs = this.parts.clock.elapsedMs();
    for (const watching of this.watchings) {
      if (watching.period > this.#period || watching.shown === text) continue;
      if (nowMs - watching.shownAtMs < BOARD_INTERVAL_MS) continue;
      watching.period = this.#period;
      this.#show(watching, board, text);
    }
  }

  #show(watching: Watching, board: BoardAnswer, text: string): void {
    watching.shown = text;
    watching.shownAtMs = this.parts.clock.elapsedMs();
    watching.watcher.show(board);
  }
}

/** What makes a board another one: everything but how far the read model has got. */
const textOf = (board: BoardAnswer): string => JSON.stringify({ ...board, position: null });

const startOf = ({ window }: BoardAnswer): number =>
  window.startsAt === null ? Number.NEGATIVE_INFINITY : Date.parse(window.startsAt);
const endOf = ({ window }: BoardAnswer): number =>
  window.endsAt === null ? Number.POSITIVE_INFINITY : Date.parse(window.endsAt);
