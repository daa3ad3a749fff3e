import type { Cancellable } from '@livegift/kernel';
import type { LiveRoom } from './live-room.js';
import type { RoomFeedParts } from './room-feed.types.js';

/**
 * Writes what has gathered in rooms, a tick at a time: one write carries all of a tick's frames to a connection, since it is
 * the system call that costs. Some connections a turn of the event loop, so that gifts are taken in between, and wait for no
 * room's thousands.
 */
export class FrameWriter {
  #pending = new Set<LiveRoom>();
  #tick: Cancellable | null = null;
  /** Time spent writing since the tick. */
  #writingMs = 0;
  #restUntilMs = 0;

  constructor(private readonly parts: Pick<RoomFeedParts, 'clock' | 'scheduler' | 'config'>) {}

  /** The room has frames, which are written at the next tick. */
  pend(room: LiveRoom): void {
    this.#pending.add(room);
    this.#armTick();
  }

  stop(): void {
    this.#tick?.cancel();
  }

  #armTick(): void {
    if (this.#tick !== null || this.#pending.size === 0) return;
    const { clock, scheduler, config } = this.parts;
    this.#tick = scheduler.after(Math.max(config.tickMs, this.#restUntilMs - clock.now()), () => {
      const rooms = this.#pending;
      this.#pending = new Set();
      this.#writingMs = 0;
      this.#write(rooms);
    });
  }

  #write(rooms: Set<LiveRoom>): void {
    const { clock, scheduler, config } = this.parts;
    const startedMs = clock.now();
    let left = config.connectionsPerTurn;
    for (const room of rooms) {
      left -= room.writeSome(left);
      if (!room.isWriting) rooms.delete(room);
      if (left <= 0) break;
    }
    const endedMs = clock.now();
    this.#writingMs += endedMs - startedMs;
    if (rooms.size > 0) {
      this.#tick = scheduler.after(0, () => this.#write(rooms));
      return;
    }
    this.#tick = null;
    // At most half of the time goes into writing: under load a tick grows, and with it what one write carries.
    this.#restUntilMs = endedMs + this.#writingMs;
    this.#armTick();
  }
}
