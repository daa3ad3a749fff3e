import { ROOM_GIFTS_MIN } from '@livegift/read-model';

const CAPACITY_FIRST = 8;
/** Room for the promise, as a power of two. */
const CAPACITY_MAX = 1 << Math.ceil(Math.log2(ROOM_GIFTS_MIN));

/** A room's newest gifts as (viewer, revision), in a ring that grows up to what the port promises. */
export class RoomGifts {
  #viewers = new Uint32Array(CAPACITY_FIRST);
  #revisions = new Float64Array(CAPACITY_FIRST);
  #count = 0;

  push(viewer: number, revision: number): void {
    const capacity = this.#viewers.length;
    if (this.#count === capacity && capacity < CAPACITY_MAX) this.#grow(capacity * 2);
    const at = this.#count++ & (this.#viewers.length - 1);
    this.#viewers[at] = viewer;
    this.#revisions[at] = revision;
  }

  /** Newest first. */
  *newest(): Generator<readonly [viewer: number, revision: number]> {
    const mask = this.#viewers.length - 1;
    const oldest = Math.max(0, this.#count - this.#viewers.length);
    for (let i = this.#count - 1; i >= oldest; i--) yield [this.#viewers[i & mask]!, this.#revisions[i & mask]!];
  }

  /** As `newest`, the oldest first, pairs in one row: what `restore` takes. */
  toNumbers(): number[] {
    const numbers: number[] = [];
    for (const [viewer, revision] of this.newest()) numbers.push(revision, viewer);
    return numbers.reverse();
  }

  static restore(numbers: readonly number[]): RoomGifts {
    const gifts = new RoomGifts();
    for (let i = 0; i < numbers.length; i += 2) gifts.push(numbers[i]!, numbers[i + 1]!);
    return gifts;
  }

  /** Only ever called before the ring has turned: what is there begins at 0. */
  #grow(capacity: number): void {
    const viewers = new Uint32Array(capacity);
    const revisions = new Float64Array(capacity);
    viewers.set(this.#viewers);
    revisions.set(this.#revisions);
    this.#viewers = viewers;
    this.#revisions = revisions;
  }
}
