import type { Position } from '@livegift/kernel';
import type { FeedFrame } from './feed-frame.js';

export interface WindowFrame {
  readonly position: Position;
  readonly occurredAtMs: number;
  readonly frame: FeedFrame;
}

/** JavaScript keeps two bytes a character once there is one emoji; the rest is the objects around it. */
const frameBytes = (frame: WindowFrame): number => frame.frame.json.length * 2 + 200;

const COMPACT_AT = 1_024;

/** A room's newest gift frames, without a gap: every gift after `floor` is here. */
export class RoomWindow {
  #frames: WindowFrame[] = [];
  #head = 0;
  #bytes = 0;
  #floor: Position;
  #newest: Position;

  constructor(
    floor: Position,
    private readonly giftsMax: number,
  ) {
    this.#floor = floor;
    this.#newest = floor;
  }

  get floor(): Position {
    return this.#floor;
  }

  /** From here everything follows: the newest gift, or in a room without gifts where its window begins. */
  get newest(): Position {
    return this.#newest;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#frames.length - this.#head;
  }

  add(frame: WindowFrame): void {
    this.#frames.push(frame);
    this.#bytes += frameBytes(frame);
    this.#newest = frame.position;
    while (this.length > this.giftsMax) this.#dropOldest();
    this.#compact();
  }

  /** Something of the room that is no gift happened here, so a client may go on from it. */
  advance(position: Position): void {
    if (position > this.#newest) this.#newest = position;
  }

  dropBefore(occurredAtMs: number): void {
    while (this.length > 0 && this.#frames[this.#head]!.occurredAtMs < occurredAtMs) this.#dropOldest();
    this.#compact();
  }

  /** Forgets all frames; what follows `floor` (at least the newest known position) is complete again. */
  restartAt(floor: Position): void {
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = floor > this.#newest ? floor : this.#newest;
    this.#newest = this.#floor;
  }

  reachesBackTo(position: Position): boolean {
    return position >= this.#floor;
  }

  after(position: Position): readonly FeedFrame[] {
    let low = this.#head;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#frames[middle]!.position > position) high = middle;
      else low = middle + 1;
    }
    return this.#frames.slice(low).map(({ frame }) => frame);
  }

  #dropOldest(): void {
    const oldest = this.#frames[this.#head]!;
    this.#head += 1;
    this.#bytes -= frameBytes(oldest);
    this.#floor = oldest.position;
  }

  #compact(): void {
    if (this.#head < COMPACT_AT && this.#head < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#head = 0;
  }
}
