import type { Cancellable } from '@livegift/kernel';
import type { LiveRoom } from './live-room.js';
import type { RoomFeedParts } from './room-feed.types.js';

/**
 * Of the time that writing took, so much passes before the next tick: under load ticks grow, and with them what one write
 * carries. More only lets frames wait, since all else has its turn of the event loop between two writes anyway.
 */
const REST_SHARE = 0.25;

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
    this.#tick = scheduler.after(Math.max(config.tickMs, this.#restUntilMs - clock.elapsedMs()), () => {
      const rooms = this.#pending;
      this.#pending = new Set();
      this.#writingMs = 0;
      this.#write(rooms);
    });
  }

  #write(rooms: Set<LiveRoom>): void {
    const { clock, scheduler, config } = this.parts;
    const startedMs = clock.elapsedMs();
    let left = config.connectionsPerTurn;
    for (const room of rooms) {
      left -= room.writeSome(left);
      if (!room.isWriting) rooms.delete(room);
      if (left <= 0) break;
    }
    const endedMs = clock.elapsedMs();
    this.#writingMs += endedMs - startedMs;
    if (rooms.size > 0) {
      this.#tick = scheduler.after(0, () => this.#write(rooms));
      return;
    }
    this.#tick = null;
    this.#restUntilMs = endedMs + REST_SHARE * this.#writingMs;
    this.#armTick();
  }
}
