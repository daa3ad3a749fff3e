import type { BoardAnswer } from '@livegift/contracts';
import type { Cancellable, Clocks, Scheduler, Telemetry } from '@livegift/kernel';
import { partitionOf, ReadModelError, type ReadModel } from '@livegift/read-model';
import { ProblemError } from '../http/problem.js';
import type { BoardReads, BoardRequest } from './board.queries.js';

/** Nobody is told more often than this. */
export const BOARD_INTERVAL_MS = 250;
const LOOK_INTERVAL_MS = 50;
/** Boards that stream at once, over all callers. */
export const BOARD_STREAMS_MAX = 1_000;

/** Who watches a board. */
export interface BoardWatcher {
  show(board: BoardAnswer): void;
  /** The board can no longer be shown. */
  end(): void;
}

interface Watching {
  readonly watcher: BoardWatcher;
  shown: string | null;
  shownAtMs: number;
}

/** One board that somebody watches; the same question of many is asked once. */
interface WatchedBoard {
  readonly request: BoardRequest;
  readonly partition: number;
  readonly watchings: Set<Watching>;
  latest: { readonly board: BoardAnswer; readonly text: string } | null;
  /** Checkpoint of the partition when it was last read. */
  readThrough: string | null;
  readAtMs: number;
  isReading: boolean;
}

/**
 * Boards that stream themselves: the board as it is, then again when it changes and when its period turns. Looks at the
 * partition's checkpoint, so a quiet read model costs next to nothing.
 */
export class BoardStreams {
  readonly #boards = new Map<string, WatchedBoard>();
  #count = 0;
  #next: Cancellable | null = null;

  constructor(
    private readonly boards: BoardReads,
    private readonly readModel: ReadModel,
    private readonly clock: Clocks,
    private readonly scheduler: Scheduler,
    private readonly telemetry: Telemetry,
  ) {}

  /**
   * Shows `watcher` this board and its changes until the returned function is called.
   * @throws ProblemError `overloaded`
   */
  watch(request: BoardRequest, first: BoardAnswer, watcher: BoardWatcher): () => void {
    if (this.#count >= BOARD_STREAMS_MAX) {
      this.telemetry.count('board_streams_refused_total');
      throw new ProblemError('overloaded', 'too many boards are being streamed');
    }
    const key = JSON.stringify(request);
    const watched = this.#boards.get(key) ?? this.#begin(key, request);
    const watching: Watching = { watcher, shown: null, shownAtMs: 0 };
    watched.watchings.add(watching);
    this.telemetry.gauge('board_streams', ++this.#count);
    this.#show(watching, first, textOf(first));
    this.#lookSoon();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      watched.watchings.delete(watching);
      if (watched.watchings.size === 0) this.#boards.delete(key);
      this.telemetry.gauge('board_streams', --this.#count);
    };
  }

  /** Ends every stream: the server is going. */
  close(): void {
    for (const watched of this.#boards.values()) endAll(watched);
    this.#next?.cancel();
    this.#next = null;
  }

  #begin(key: string, request: BoardRequest): WatchedBoard {
    const partition = partitionOf({ board: request.board }, this.readModel.partitionCount);
    const watched: WatchedBoard = {
      request,
      partition,
      watchings: new Set(),
      latest: null,
      readThrough: null,
      readAtMs: Number.NEGATIVE_INFINITY,
      isReading: false,
    };
    this.#boards.set(key, watched);
    return watched;
  }

  #lookSoon(): void {
    if (this.#next !== null || this.#boards.size === 0) return;
    this.#next = this.scheduler.after(LOOK_INTERVAL_MS, () => {
      this.#next = null;
      for (const watched of this.#boards.values()) void this.#look(watched);
      this.#lookSoon();
    });
  }

  async #look(watched: WatchedBoard): Promise<void> {
    const now = this.clock.elapsedMs();
    if (watched.isReading || now - watched.readAtMs < BOARD_INTERVAL_MS) {
      this.#showAll(watched);
      return;
    }
    watched.isReading = true;
    try {
      const through = (await this.readModel.checkpoint(watched.partition))?.position ?? null;
      if (watched.latest === null || through !== watched.readThrough || hasTurned(watched, now)) {
        const board = await this.boards.read(watched.request);
        watched.latest = { board, text: textOf(board) };
        watched.readThrough = through;
        watched.readAtMs = now;
      }
      this.#showAll(watched);
    } catch (error) {
      // While the read model is away or being rebuilt the stream is silent and goes on afterwards.
      if (error instanceof ReadModelError && error.code === 'period-expired') endAll(watched);
      else this.telemetry.count('board_stream_reads_failed_total');
      watched.readAtMs = now;
    } finally {
      watched.isReading = false;
    }
  }

  #showAll(watched: WatchedBoard): void {
    const { latest } = watched;
    if (latest === null) return;
    const now = this.clock.elapsedMs();
    for (const watching of watched.watchings) {
      if (watching.shown === latest.text || now - watching.shownAtMs < BOARD_INTERVAL_MS) continue;
      this.#show(watching, latest.board, latest.text);
    }
  }

  #show(watching: Watching, board: BoardAnswer, text: string): void {
    watching.shown = text;
    watching.shownAtMs = this.clock.elapsedMs();
    watching.watcher.show(board);
  }
}

/** What makes a board another one: everything but how far the read model has got. */
const textOf = (board: BoardAnswer): string => JSON.stringify({ ...board, position: null });

function hasTurned({ request, latest }: WatchedBoard, nowMs: number): boolean {
  const endsAt = latest?.board.window.endsAt ?? null;
  return request.at === undefined && endsAt !== null && nowMs >= Date.parse(endsAt);
}

function endAll(watched: WatchedBoard): void {
  for (const { watcher } of watched.watchings) watcher.end();
}
