import type { BoardAnswer } from '@livegift/contracts';
import type { Cancellable, Scheduler } from '@livegift/kernel';
import { ProblemError } from '../http/problem.js';
import type { BoardRequest } from './board.queries.js';
import { WatchedBoard, type BoardWatcher, type WatchedBoardParts } from './watched-board.js';

const LOOK_INTERVAL_MS = 50;
/** Boards that stream at once, over all callers. */
export const BOARD_STREAMS_MAX = 1_000;

export interface BoardStreamsParts extends WatchedBoardParts {
  readonly scheduler: Scheduler;
}

/**
 * Boards that stream themselves: the board as it is, then again when it changes and when its period turns. Looks at the
 * partition's checkpoint, so a quiet read model costs next to nothing.
 */
export class BoardStreams {
  readonly #boards = new Map<string, WatchedBoard>();
  #count = 0;
  #next: Cancellable | null = null;

  constructor(private readonly parts: BoardStreamsParts) {}

  /**
   * Shows `watcher` this board and its changes until the returned function is called.
   * @throws ProblemError `overloaded`
   */
  watch(request: BoardRequest, first: BoardAnswer, watcher: BoardWatcher): () => void {
    const { telemetry } = this.parts;
    if (this.#count >= BOARD_STREAMS_MAX) {
      telemetry.count('board_streams_refused_total');
      throw new ProblemError('overloaded', 'too many boards are being streamed');
    }
    const key = JSON.stringify(request);
    const watched = this.#boards.get(key) ?? new WatchedBoard(request, this.parts);
    this.#boards.set(key, watched);
    telemetry.gauge('board_streams', ++this.#count);
    const watching = watched.add(watcher, first);
    this.#lookSoon();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      watched.watchings.delete(watching);
      if (watched.watchings.size === 0) this.#boards.delete(key);
      telemetry.gauge('board_streams', --this.#count);
    };
  }

  /** Ends every stream: the server is shutting down. */
  close(): void {
    for (const watched of this.#boards.values()) watched.endAll();
    this.#next?.cancel();
    this.#next = null;
  }

  #lookSoon(): void {
    if (this.#next !== null || this.#boards.size === 0) return;
    this.#next = this.parts.scheduler.after(LOOK_INTERVAL_MS, () => {
      this.#next = null;
      for (const watched of this.#boards.values()) void watched.look();
      this.#lookSoon();
    });
  }
}
