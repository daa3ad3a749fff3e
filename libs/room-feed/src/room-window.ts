import type { Position } from '@livegift/kernel';

/** A gift as it came: its frame is made when somebody is there to get it. */
export interface WindowGift {
  readonly position: Position;
  /** When it came; of one from before the feed had caught up, when it was sent. */
  readonly atMs: number;
  readonly body: string;
}

/** JavaScript keeps two bytes a character once there is one emoji; the rest is the objects around it. */
const giftBytes = (gift: WindowGift): number => gift.body.length * 2 + 200;

const COMPACT_AT = 1_024;

/** A room's newest gifts, without a gap: every gift after `floor` is here. */
export class RoomWindow {
  #gifts: WindowGift[] = [];
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
    return this.#gifts.length - this.#head;
  }

  add(gift: WindowGift): void {
    this.#gifts.push(gift);
    this.#bytes += giftBytes(gift);
    this.#newest = gift.position;
    while (this.length > this.giftsMax) this.#dropOldest();
    this.#compact();
  }

  /** Something of the room that is no gift happened here, so a client may go on from it. */
  advance(position: Position): void {
    if (position > this.#newest) this.#newest = position;
  }

  /** There was no gift after `quietAfter`, up to `through`: known from elsewhere. */
  reachBack(quietAfter: Position, through: Position): void {
    if (through >= this.#floor && quietAfter < this.#floor) this.#floor = quietAfter;
  }

  dropBefore(atMs: number): void {
    while (this.length > 0 && this.#gifts[this.#head]!.atMs < atMs) this.#dropOldest();
    this.#compact();
  }

  /** Forgets all gifts; what follows `floor` (at least the newest known position) is complete again. */
  restartAt(floor: Position): void {
    this.#gifts = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = floor > this.#newest ? floor : this.#newest;
    this.#newest = this.#floor;
  }

  reachesBackTo(position: Position): boolean {
    return position >= this.#floor;
  }

  after(position: Position): readonly WindowGift[] {
    let low = this.#head;
    let high = this.#gifts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#gifts[middle]!.position > position) high = middle;
      else low = middle + 1;
    }
    return this.#gifts.slice(low);
  }

  /** The gifts that came at `atMs` or later. */
  since(atMs: number): readonly WindowGift[] {
    let first = this.#gifts.length;
    while (first > this.#head && this.#gifts[first - 1]!.atMs >= atMs) first -= 1;
    return this.#gifts.slice(first);
  }

  #dropOldest(): void {
    const oldest = this.#gifts[this.#head]!;
    this.#head += 1;
    this.#bytes -= giftBytes(oldest);
    this.#floor = oldest.position;
  }

  #compact(): void {
    if (this.#head < COMPACT_AT && this.#head < this.#gifts.length) return;
    this.#gifts = this.#gifts.slice(this.#head);
    this.#head = 0;
  }
}
