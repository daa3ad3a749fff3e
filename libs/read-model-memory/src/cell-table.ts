import { boundedSum } from '@livegift/kernel';

/**
 * One cell per (room, viewer, period key): what the viewer gave there in that hour, and when the sum was reached. All boards
 * are folded from cells. Records lie in chunks of 48 bytes each; they are found through an open-addressing hash in segments,
 * so that neither growth copies much at once. No JavaScript object per cell: ten million take half a gigabyte.
 */
const CHUNK_BITS = 14;
export const CELLS_PER_CHUNK = 1 << CHUNK_BITS;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;
/** 32-bit fields of a record: room, viewer, key, next in room, next in hour, milliseconds into the hour; */
const INTS = 12;
/** then three doubles: coins, diamonds, position. */
const FLOATS = 6;
const SEGMENT_BITS = 8;
const SEGMENT_SLOTS_MIN = 32;

export const NO_CELL = -1;

export class CellTable {
  readonly #ints: Int32Array[] = [];
  readonly #floats: Float64Array[] = [];
  readonly #segments = Array.from({ length: 1 << SEGMENT_BITS }, () => new Int32Array(SEGMENT_SLOTS_MIN));
  readonly #used = new Int32Array(1 << SEGMENT_BITS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The cell of the three; made, with sums of 0 and no neighbours, when there is none: then it is `size` before the call. */
  intern(room: number, viewer: number, key: number): number {
    const hash = hashOf(room, viewer, key);
    const segmentIndex = hash >>> (32 - SEGMENT_BITS);
    let segment = this.#segments[segmentIndex]!;
    let mask = segment.length - 1;
    let slot = hash & mask;
    for (; segment[slot] !== 0; slot = (slot + 1) & mask) {
      const cell = segment[slot]! - 1;
      const ints = this.#ints[cell >>> CHUNK_BITS]!;
      const at = (cell & CHUNK_MASK) * INTS;
      if (ints[at] === room && ints[at + 1] === viewer && ints[at + 2] === key) return cell;
    }
    const cell = this.#push(room, viewer, key);
    segment[slot] = cell + 1;
    if (++this.#used[segmentIndex]! * 4 > segment.length * 3) this.#grow(segmentIndex);
    return cell;
  }

  /** Adds a gift: the sum is reached at this position now. */
  add(cell: number, coins: number, diamonds: number, reached: number, msIntoHour: number): void {
    const floats = this.#floats[cell >>> CHUNK_BITS]!;
    const at = (cell & CHUNK_MASK) * FLOATS;
    floats[at + 3] = boundedSum(floats[at + 3]!, coins);
    floats[at + 4] = boundedSum(floats[at + 4]!, diamonds);
    floats[at + 5] = reached;
    this.#ints[cell >>> CHUNK_BITS]![(cell & CHUNK_MASK) * INTS + 5] = msIntoHour;
  }

  link(cell: number, nextInRoom: number, nextInHour: number): void {
    const ints = this.#ints[cell >>> CHUNK_BITS]!;
    const at = (cell & CHUNK_MASK) * INTS;
    ints[at + 3] = nextInRoom;
    ints[at + 4] = nextInHour;
  }

  room(cell: number): number {
    return this.#int(cell, 0);
  }
  viewer(cell: number): number {
    return this.#int(cell, 1);
  }
  key(cell: number): number {
    return this.#int(cell, 2);
  }
  nextInRoom(cell: number): number {
    return this.#int(cell, 3);
  }
  nextInHour(cell: number): number {
    return this.#int(cell, 4);
  }
  msIntoHour(cell: number): number {
    return this.#int(cell, 5);
  }
  coins(cell: number): number {
    return this.#float(cell, 3);
  }
  diamonds(cell: number): number {
    return this.#float(cell, 4);
  }
  reached(cell: number): number {
    return this.#float(cell, 5);
  }

  /** The first `count` records of a chunk, as they stand in memory. */
  chunkBytes(index: number, count: number): Uint8Array {
    return new Uint8Array(this.#ints[index]!.buffer, 0, count * INTS * 4);
  }

  /** Makes place for `count` cells at once; more may come. */
  reserve(count: number): void {
    const slots = 2 ** Math.ceil(Math.log2(count / this.#segments.length / 0.6 + SEGMENT_SLOTS_MIN));
    for (const [index, segment] of this.#segments.entries()) {
      if (segment.length < slots && this.#used[index] === 0) this.#segments[index] = new Int32Array(slots);
    }
  }

  /** Puts the next chunk there, and finds its cells from now on. @throws RangeError when it is not one of so many cells */
  restoreChunk(bytes: Uint8Array, count: number): void {
    if (bytes.length !== count * INTS * 4 || (this.#size & CHUNK_MASK) !== 0)
      throw new RangeError('not a chunk of cells');
    const chunk = new ArrayBuffer(CELLS_PER_CHUNK * INTS * 4);
    new Uint8Array(chunk).set(bytes);
    const ints = new Int32Array(chunk);
    this.#ints.push(ints);
    this.#floats.push(new Float64Array(chunk));
    for (let i = 0; i < count; i++) {
      const at = i * INTS;
      this.#put(hashOf(ints[at]!, ints[at + 1]!, ints[at + 2]!), this.#size++);
    }
  }

  /** Enters a cell that is not there yet. */
  #put(hash: number, cell: number): void {
    const segmentIndex = hash >>> (32 - SEGMENT_BITS);
    const segment = this.#segments[segmentIndex]!;
    const mask = segment.length - 1;
    let slot = hash & mask;
    while (segment[slot] !== 0) slot = (slot + 1) & mask;
    segment[slot] = cell + 1;
    if (++this.#used[segmentIndex]! * 4 > segment.length * 3) this.#grow(segmentIndex);
  }

  #int(cell: number, field: number): number {
    return this.#ints[cell >>> CHUNK_BITS]![(cell & CHUNK_MASK) * INTS + field]!;
  }

  #float(cell: number, field: number): number {
    return this.#floats[cell >>> CHUNK_BITS]![(cell & CHUNK_MASK) * FLOATS + field]!;
  }

  #push(room: number, viewer: number, key: number): number {
    const cell = this.#size++;
    if ((cell & CHUNK_MASK) === 0) {
      const bytes = new ArrayBuffer((CHUNK_MASK + 1) * INTS * 4);
      this.#ints.push(new Int32Array(bytes));
      this.#floats.push(new Float64Array(bytes));
    }
    const ints = this.#ints[cell >>> CHUNK_BITS]!;
    const at = (cell & CHUNK_MASK) * INTS;
    ints[at] = room;
    ints[at + 1] = viewer;
    ints[at + 2] = key;
    ints[at + 3] = NO_CELL;
    ints[at + 4] = NO_CELL;
    return cell;
  }

  #grow(segmentIndex: number): void {
    const old = this.#segments[segmentIndex]!;
    const segment = new Int32Array(old.length * 2);
    const mask = segment.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      const cell = entry - 1;
      let slot = hashOf(this.room(cell), this.viewer(cell), this.key(cell)) & mask;
      while (segment[slot] !== 0) slot = (slot + 1) & mask;
      segment[slot] = entry;
    }
    this.#segments[segmentIndex] = segment;
  }
}

function hashOf(room: number, viewer: number, key: number): number {
  let hash = Math.imul(room, 0x9e3779b1) ^ Math.imul(viewer, 0x85ebca6b) ^ Math.imul(key, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
