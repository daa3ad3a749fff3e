import type { Cancellable, Position } from '@livegift/kernel';
import type { RoomBoard, RoomFeedParts } from './room-feed.types.js';

/**
 * Keeps a room's leaderboard fresh while somebody watches: asks after a gift, at most every `leaderboardEveryMs`, and again
 * until the answer contains the newest gift (the read model may lag behind the feed). Tells only what changed.
 */
export class BoardWatch {
  #board: RoomBoard | null = null;
  #text = '';
  #wanted: Position | null = null;
  #timer: Cancellable | null = null;
  #asking = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #settling: { readonly done: () => void; readonly timer: Cancellable } | null = null;

  constructor(
    private readonly roomId: string,
    private readonly parts: RoomFeedParts,
    private readonly changed: (board: RoomBoard) => void,
  ) {}

  /** The newest board that was shown to anybody here. */
  get board(): RoomBoard | null {
    return this.#board;
  }

  /** A newcomer brings the board that it was told; the newer of the two is what it should be shown. */
  bring(board: RoomBoard): RoomBoard {
    if (this.#board === null) this.#keep(board);
    else if ((board.position ?? '') <= (this.#board.position ?? '')) return this.#board;
    return board;
  }

  /** The board should contain the gift at `position`. */
  want(position: Position): void {
    if (this.#wanted === null || position > this.#wanted) this.#wanted = position;
    if (this.#isComplete()) return;
    this.#askIn(0);
  }

  /** Calls `done` once the board that was shown contains every gift that came, or after `waitMs`; never after `stop`. */
  settle(waitMs: number, done: () => void): void {
    if (this.#isComplete()) return done();
    this.#settling?.timer.cancel();
    const timer = this.parts.scheduler.after(waitMs, () => {
      this.parts.telemetry.count('room_boards_unsettled_total');
      this.#settled();
    });
    this.#settling = { done, timer };
    this.#askIn(0);
  }

  /** Nobody watches any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#settling?.timer.cancel();
    this.#settling = null;
    this.#board = null;
    this.#wanted = null;
    this.#text = '';
  }

  #isComplete(): boolean {
    return this.#wanted === null || (this.#board?.position ?? '') >= this.#wanted;
  }

  #settled(): void {
    const settling = this.#settling;
    this.#settling = null;
    settling?.timer.cancel();
    settling?.done();
  }

  #keep(board: RoomBoard): boolean {
    const text = JSON.stringify(board.entries);
    const isNew = text !== this.#text;
    this.#board = board;
    this.#text = text;
    return isNew;
  }

  #askIn(delayMs: number): void {
    if (this.#timer !== null || this.#asking) return;
    const { clock, scheduler, config } = this.parts;
    const earliest = this.#lastMs + config.leaderboardEveryMs - clock.elapsedMs();
    this.#timer = scheduler.after(Math.max(0, delayMs, earliest), () => {
      this.#timer = null;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    if (this.#wanted === null) return;
    const { config, clock, telemetry } = this.parts;
    this.#asking = true;
    let retryMs = config.leaderboardEveryMs;
    try {
      this.#tell(await this.parts.askBoard(this.roomId, this.#wanted));
    } catch (error) {
      telemetry.count('room_board_failures_total');
      telemetry.warn('a room has no leaderboard for now', { roomId: this.roomId, error: String(error) });
      retryMs = config.leaderboardRetryMs;
    }
    this.#asking = false;
    this.#lastMs = clock.elapsedMs();
    if (this.#isComplete()) this.#settled();
    else this.#askIn(retryMs);
  }

  #tell(board: RoomBoard): void {
    // Nobody is left, or a newcomer brought a newer one while this was asked.
    if (this.#wanted === null || (board.position ?? '') < (this.#board?.position ?? '')) return;
    if (this.#keep(board)) this.changed(board);
  }
}
