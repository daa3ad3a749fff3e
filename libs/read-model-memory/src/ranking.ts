import type { MemberTable } from './member-table.js';

const CHUNK_MAX = 512;
/** What a fresh chunk is filled to, so that the next gifts do not split it. */
const CHUNK_FILL = 384;

/** The slots of a member table in the order of rank, in sorted chunks: a move, a rank and a slice each cost little. */
export class Ranking {
  readonly #table: MemberTable;
  readonly #chunks: Int32Array[] = [];
  readonly #counts: number[] = [];
  #size = 0;

  /** @param sorted slots in the order of rank */
  constructor(table: MemberTable, sorted: Int32Array = new Int32Array(0)) {
    this.#table = table;
    this.#size = sorted.length;
    for (let start = 0; start < sorted.length; start += CHUNK_FILL) {
      const part = sorted.subarray(start, start + CHUNK_FILL);
      const chunk = new Int32Array(CHUNK_MAX);
      chunk.set(part);
      this.#chunks.push(chunk);
      this.#counts.push(part.length);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The slot's rank, from 1; its score must be what it was when it was inserted. */
  rank(slot: number): number {
    const chunk = this.#chunkOf(slot);
    let before = 0;
    for (let i = 0; i < chunk; i++) before += this.#counts[i]!;
    return before + this.#indexIn(chunk, slot) + 1;
  }

  /** Up to `limit` slots from `rank` on. */
  slice(rank: number, limit: number): number[] {
    const slots: number[] = [];
    let skip = rank - 1;
    for (let i = 0; i < this.#chunks.length && slots.length < limit; i++) {
      const count = this.#counts[i]!;
      for (let at = skip; at < count && slots.length < limit; at++) slots.push(this.#chunks[i]![at]!);
      skip = Math.max(0, skip - count);
    }
    return slots;
  }

  insert(slot: number): void {
    this.#size++;
    if (this.#chunks.length === 0) {
      this.#chunks.push(new Int32Array(CHUNK_MAX));
      this.#counts.push(0);
    }
    let at = this.#chunkOf(slot);
    if (this.#counts[at] === CHUNK_MAX) {
      this.#split(at);
      at = this.#chunkOf(slot);
    }
    const chunk = this.#chunks[at]!;
    const index = this.#indexIn(at, slot);
    chunk.copyWithin(index + 1, index, this.#counts[at]);
    chunk[index] = slot;
    this.#counts[at]!++;
  }

  /** Takes the slot out; its score must be what it was when it was inserted. */
  remove(slot: number): void {
    const at = this.#chunkOf(slot);
    const chunk = this.#chunks[at]!;
    const index = this.#indexIn(at, slot);
    if (chunk[index] !== slot) throw new Error('a board has lost its order');
    chunk.copyWithin(index, index + 1, this.#counts[at]);
    this.#size--;
    if (--this.#counts[at]! > 0) return;
    this.#chunks.splice(at, 1);
    this.#counts.splice(at, 1);
  }

  /** The last chunk that begins at or before the slot, else the first. */
  #chunkOf(slot: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#table.compare(this.#chunks[middle]![0]!, slot) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The first place in the chunk whose slot does not stand before this one. */
  #indexIn(at: number, slot: number): number {
    const chunk = this.#chunks[at]!;
    let low = 0;
    let high = this.#counts[at]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.compare(chunk[middle]!, slot) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #split(at: number): void {
    const half = CHUNK_MAX / 2;
    const upper = new Int32Array(CHUNK_MAX);
    upper.set(this.#chunks[at]!.subarray(half));
    this.#chunks.splice(at + 1, 0, upper);
    this.#counts[at] = half;
    this.#counts.splice(at + 1, 0, half);
  }
}
