import { UsageError } from '../exit-codes.js';
import { isRefused, type FileRow } from '../import/history-rows.js';

/** The most units of one gift; a larger one is sent as several. */
const QUANTITY_MAX = 999_999;
/** Quiet hours of the event are cut to this: a demo is to be looked at. */
const SILENCE_MS_MAX = 2_000;
const ID_LENGTH_MAX = 64;

/** The commands of a broadcast. */
export interface Platform {
  openWallet(viewerId: string): Promise<void>;
  buyCoins(viewerId: string, coins: number): Promise<void>;
  openRoom(roomId: string, creatorId: string, title: string): Promise<void>;
  closeRoom(roomId: string): Promise<void>;
  cheer(roomId: string, viewerId: string, quantity: number): Promise<void>;
}

export interface BroadcastOptions {
  /** So many seconds of the event pass in one second. */
  readonly speed: number;
  /** Rows before this time are left out. */
  readonly fromMs: number;
  /** Makes rooms this run's own, where an earlier run may have closed rooms of the same name. */
  readonly roomSuffix: string;
}

export interface BroadcastProgress {
  roomOpened(roomId: string, creatorId: string, at: string): void;
  giftSent(rows: number, at: string): void;
}

/** Plays rows of an event as live gifts: each viewer opens a wallet, buys what is to be given, and gives it. */
export class Broadcast {
  readonly #wallets = new Set<string>();
  #room: string | null = null;
  #rows = 0;

  constructor(
    private readonly platform: Platform,
    private readonly options: BroadcastOptions,
    private readonly progress: BroadcastProgress,
    private readonly time: { elapsedMs(): number; pause(ms: number): Promise<void> },
  ) {}

  async play(rows: AsyncIterable<FileRow>): Promise<void> {
    let lastMs: number | null = null;
    // Sending takes time as well; what is late is caught up in the next pauses.
    let dueMs = this.time.elapsedMs();
    for await (const row of rows) {
      if (isRefused(row)) throw new UsageError(`line ${row.fileLine} is no gift: ${row.faults[0]!.message}`);
      const { at, roomId, creatorId, viewerId, coins } = row;
      const atMs = Date.parse(at);
      if (atMs < this.options.fromMs) continue;
      dueMs += Math.min(SILENCE_MS_MAX, (atMs - (lastMs ?? atMs)) / this.options.speed);
      lastMs = atMs;
      const early = dueMs - this.time.elapsedMs();
      if (early > 1) await this.time.pause(early);
      await this.#enter(roomId, creatorId, at);
      await this.#give(viewerId, coins);
      this.#rows += 1;
      this.progress.giftSent(this.#rows, at);
    }
  }

  /** The room of the row is on air; the one before it ends when it begins. */
  async #enter(room: string, creatorId: string, at: string): Promise<void> {
    const roomId = room.slice(0, ID_LENGTH_MAX - this.options.roomSuffix.length) + this.options.roomSuffix;
    if (this.#room === roomId) return;
    if (this.#room !== null) await this.platform.closeRoom(this.#room);
    await this.platform.openRoom(roomId, creatorId, room.replaceAll('-', ' '));
    this.#room = roomId;
    this.progress.roomOpened(roomId, creatorId, at);
  }

  async #give(viewerId: string, coins: number): Promise<void> {
    if (!this.#wallets.has(viewerId)) await this.platform.openWallet(viewerId);
    this.#wallets.add(viewerId);
    await this.platform.buyCoins(viewerId, coins);
    for (let left = coins; left > 0; left -= QUANTITY_MAX) {
      await this.platform.cheer(this.#room!, viewerId, Math.min(left, QUANTITY_MAX));
    }
  }
}
