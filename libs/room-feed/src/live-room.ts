import type { GiftMessage, RoomMessageBody, StreakEndedFrame } from '@livegift/contracts';
import type { Cancellable, Position } from '@livegift/kernel';
import { BoardWatch } from './board-watch.js';
import { FrameBatch, frameOf, giftFrameOf, type FeedFrame } from './feed-frame.js';
import { frameIdOf } from './frame-id.js';
import { RoomWindow } from './room-window.js';
import { RoomStreaks } from './streaks.js';
import type { EndReason, FeedMessage, RoomFacts, RoomFeedParts, RoomSubscriber } from './room-feed.types.js';

const KEEP_ALIVE = frameOf({ type: 'keep-alive' });
const ROOM_CLOSED = frameOf({ type: 'room-closed' });
/** Keep-alives of one room are at least so far apart, so that staggered clients do not cost a look at all of them each. */
const KEEP_ALIVE_STEP_MS = 100;

/** Frames on their way out, and the connections that get them: who comes later was told of them by the welcome. */
interface Outgoing {
  /** When its oldest gift was sent; null without one. */
  readonly oldestGiftAt: string | null;
  readonly batch: FrameBatch;
  readonly to: readonly RoomSubscriber[];
  /** Index of the first that has not got them yet. */
  next: number;
}

/** One room on this gateway: its window, its open streaks, and who is connected. */
export class LiveRoom {
  readonly window: RoomWindow;
  readonly board: BoardWatch;
  /** Known once the feed has carried the room's opening. */
  facts: RoomFacts | null = null;
  closed = false;
  /** Followed while somebody watches. */
  #streaks: RoomStreaks;
  #streakTimer: Cancellable | null = null;
  /** Each connection with the time of the last frame that it alone was sent. */
  readonly #subscribers = new Map<RoomSubscriber, number>();
  #lastBroadcastMs = Number.NEGATIVE_INFINITY;
  #keepAliveTimer: Cancellable | null = null;
  #pending: FeedFrame[] = [];
  #outgoing: Outgoing | null = null;
  /** Of those that wait to be written. */
  #oldestGiftAt: string | null = null;

  constructor(
    readonly roomId: string,
    readonly sourcePartition: number,
    floor: Position,
    private readonly parts: RoomFeedParts,
    /** There is something to flush at the next tick. */
    private readonly pend: (room: LiveRoom) => void,
  ) {
    this.window = new RoomWindow(floor, parts.config.windowGiftsMax);
    this.#streaks = this.#noStreaks();
    this.board = new BoardWatch(roomId, parts, ({ entries }) => this.#send(frameOf({ type: 'leaderboard', entries })));
  }

  get connections(): number {
    return this.#subscribers.size;
  }

  /** A message that is newer than everything before. `replayed`: it is from before the feed had caught up. */
  accept(message: FeedMessage, replayed: boolean): void {
    switch (message.type) {
      case 'gift-sent':
        return this.#acceptGift(message, replayed);
      case 'room-opened': {
        const { creatorId, title } = JSON.parse(message.body) as RoomMessageBody;
        this.facts = { creatorId, title };
        if (this.window.length === 0) this.window.advance(message.position);
        return;
      }
      case 'room-closed':
        return this.#close();
    }
  }

  add(subscriber: RoomSubscriber): void {
    if (this.#subscribers.size === 0) this.#recallStreaks();
    this.#subscribers.set(subscriber, this.parts.clock.elapsedMs());
    this.#armKeepAlive();
  }

  remove(subscriber: RoomSubscriber): boolean {
    const removed = this.#subscribers.delete(subscriber);
    if (removed && this.#subscribers.size === 0) {
      this.#keepAliveTimer?.cancel();
      this.#keepAliveTimer = null;
      this.#pending = [];
      this.#outgoing = null;
      this.#streakTimer?.cancel();
      this.#streakTimer = null;
      this.#streaks = this.#noStreaks();
      this.board.stop();
    }
    return removed;
  }

  /** Writes all that has gathered, once to each connection. */
  flush(): void {
    while (this.#outgoing !== null || this.#pending.length > 0) this.writeSome(Infinity);
  }

  /**
   * Writes what had gathered when the writing began, to at most so many connections more, and returns to how many. Frames
   * that come meanwhile wait for the next writing. `isWriting` until every connection has it.
   */
  writeSome(connectionsMax: number): number {
    const outgoing = (this.#outgoing ??= this.#gather());
    const end = Math.min(outgoing.to.length, outgoing.next + connectionsMax);
    const begun = outgoing.next;
    for (; outgoing.next < end; outgoing.next++) {
      const subscriber = outgoing.to[outgoing.next]!;
      if (this.#subscribers.has(subscriber)) subscriber.write(outgoing.batch);
    }
    if (end === outgoing.to.length) {
      this.#outgoing = null;
      this.#measureDelay(outgoing);
    }
    return end - begun;
  }

  get isWriting(): boolean {
    return this.#outgoing !== null;
  }

  /** Of its oldest gift, until the last connection has it. */
  #measureDelay({ oldestGiftAt, to }: Outgoing): void {
    if (oldestGiftAt === null || to.length === 0) return;
    const delayMs = Math.max(0, this.parts.clock.now() - Date.parse(oldestGiftAt));
    this.parts.telemetry.observe('room_frame_delay_seconds', delayMs / 1_000);
  }

  #gather(): Outgoing {
    const oldestGiftAt = this.#oldestGiftAt;
    this.#oldestGiftAt = null;
    const batch = new FrameBatch(this.#pending);
    const to = batch.frames.length === 0 ? [] : [...this.#subscribers.keys()];
    this.#pending = [];
    if (to.length > 0) this.#lastBroadcastMs = this.parts.clock.elapsedMs();
    this.parts.telemetry.count('room_frames_written_total', batch.frames.length * to.length);
    return { batch, to, next: 0, oldestGiftAt };
  }

  endAll(reason: EndReason): void {
    this.flush();
    const subscribers = [...this.#subscribers.keys()];
    for (const subscriber of subscribers) {
      this.remove(subscriber);
      subscriber.end(reason);
    }
  }

  /** Everything that would wake later is called off. */
  dispose(): void {
    this.#streakTimer?.cancel();
    this.#keepAliveTimer?.cancel();
    this.board.stop();
  }

  #acceptGift({ position, occurredAt, body }: FeedMessage, replayed: boolean): void {
    if (!replayed) this.#oldestGiftAt ??= occurredAt;
    const { clock } = this.parts;
    const ageMs = replayed ? Math.max(0, clock.now() - Date.parse(occurredAt)) : 0;
    const atMs = clock.elapsedMs() - ageMs;
    // Most rooms of a busy server are watched elsewhere, or by nobody: their gifts are kept as they came.
    const gift = this.#subscribers.size === 0 ? null : (JSON.parse(body) as GiftMessage);
    this.window.add({ position, atMs, body });
    if (gift === null) return;
    this.#sendEnded(this.#streaks.add(gift, atMs));
    this.#send(this.#giftFrame(position, body));
    this.board.want(position);
    this.#armStreaks();
  }

  /** What a client that has seen `position` has missed. */
  missedSince(position: Position): FrameBatch {
    return new FrameBatch(this.window.after(position).map((gift) => this.#giftFrame(gift.position, gift.body)));
  }

  #giftFrame(position: Position, body: string): FeedFrame {
    return giftFrameOf(frameIdOf(this.parts.epoch, position), body);
  }

  #noStreaks(): RoomStreaks {
    const { config } = this.parts;
    return new RoomStreaks(config.streakWindowMs + config.streakGraceMs, config.roomStreaksMax);
  }

  /** Somebody has come: the streaks of the last moments may still be going on. */
  #recallStreaks(): void {
    const { clock, config } = this.parts;
    const nowMs = clock.elapsedMs();
    for (const { body, atMs } of this.window.since(nowMs - config.streakWindowMs - config.streakGraceMs)) {
      this.#streaks.add(JSON.parse(body) as GiftMessage, atMs);
    }
    this.#streaks.endedBy(nowMs);
    this.#armStreaks();
  }

  #close(): void {
    this.closed = true;
    // The last leaderboard is the final one: it may still be on its way.
    this.board.settle(this.parts.config.closingBoardMsMax, () => {
      this.#sendEnded(this.#streaks.endAll());
      this.#send(ROOM_CLOSED);
      this.endAll('room-closed');
    });
  }

  #send(frame: FeedFrame): void {
    if (this.#subscribers.size === 0) return;
    this.#pending.push(frame);
    this.pend(this);
  }

  #sendEnded(ended: readonly StreakEndedFrame[]): void {
    for (const frame of ended) this.#send(frameOf(frame));
  }

  #armStreaks(): void {
    const nextEndMs = this.#streaks.nextEndMs;
    if (this.#streakTimer !== null || nextEndMs === null) return;
    this.#streakTimer = this.parts.scheduler.after(nextEndMs - this.parts.clock.elapsedMs(), () => {
      this.#streakTimer = null;
      this.#sendEnded(this.#streaks.endedBy(this.parts.clock.elapsedMs()));
      this.#armStreaks();
    });
  }

  #armKeepAlive(): void {
    if (this.#keepAliveTimer !== null || this.#subscribers.size === 0) return;
    let earliest = Infinity;
    for (const lastMs of this.#subscribers.values())
      earliest = Math.min(earliest, Math.max(lastMs, this.#lastBroadcastMs));
    const dueMs = earliest + this.parts.config.keepAliveMs - this.parts.clock.elapsedMs();
    this.#keepAliveTimer = this.parts.scheduler.after(Math.max(dueMs, KEEP_ALIVE_STEP_MS), () => {
      this.#keepAliveTimer = null;
      this.#keepAlive();
      this.#armKeepAlive();
    });
  }

  #keepAlive(): void {
    const now = this.parts.clock.elapsedMs();
    const silentSince = now - this.parts.config.keepAliveMs;
    if (this.#lastBroadcastMs > silentSince) return;
    const batch = new FrameBatch([KEEP_ALIVE]);
    for (const [subscriber, lastMs] of this.#subscribers) {
      if (lastMs > silentSince) continue;
      this.#subscribers.set(subscriber, now);
      subscriber.write(batch);
    }
  }
}
