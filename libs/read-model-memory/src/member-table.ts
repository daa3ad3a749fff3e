import { boundedSum } from '@livegift/kernel';

const CAPACITY_MIN = 64;

/**
 * The members of one board by slot: who, the score, and the position and time at which it was reached. Slots are found by
 * member through an open-addressing hash, so a board of a million members has no object per member.
 */
export class MemberTable {
  #capacity: number;
  #slots: Int32Array;
  #members: Int32Array;
  #scores: Float64Array;
  #reached: Float64Array;
  #reachedAtMs: Float64Array;
  #size = 0;

  /** @param expected how many members to make place for at once; more may come */
  constructor(expected = 0) {
    this.#capacity = 2 ** Math.max(Math.log2(CAPACITY_MIN), Math.ceil(Math.log2(expected + 1)));
    this.#slots = new Int32Array(this.#capacity * 2);
    this.#members = new Int32Array(this.#capacity);
    this.#scores = new Float64Array(this.#capacity);
    this.#reached = new Float64Array(this.#capacity);
    this.#reachedAtMs = new Float64Array(this.#capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The member's slot, or -1. */
  find(member: number): number {
    return this.#slots[this.#place(member)]! - 1;
  }

  /** The member's slot; a new one, with a score of 0, is `size` before the call. */
  intern(member: number): number {
    const place = this.#place(member);
    const found = this.#slots[place]!;
    if (found !== 0) return found - 1;
    if (this.#size === this.#capacity) {
      this.#grow();
      return this.intern(member);
    }
    const slot = this.#size++;
    this.#members[slot] = member;
    this.#slots[place] = slot + 1;
    return slot;
  }

  /** Merges a part of the sum: scores add up, and the score was reached where its last part was. */
  merge(slot: number, amount: number, reached: number, reachedAtMs: number): void {
    this.#scores[slot] = boundedSum(this.#scores[slot]!, amount);
    if (reached <= this.#reached[slot]!) return;
    this.#reached[slot] = reached;
    this.#reachedAtMs[slot] = reachedAtMs;
  }

  member(slot: number): number {
    return this.#members[slot]!;
  }
  score(slot: number): number {
    return this.#scores[slot]!;
  }
  reached(slot: number): number {
    return this.#reached[slot]!;
  }
  reachedAtMs(slot: number): number {
    return this.#reachedAtMs[slot]!;
  }

  /** Below 0: `a` stands before `b`, by the higher score, then by who reached it first. */
  compare(a: number, b: number): number {
    return this.#scores[b]! - this.#scores[a]! || this.#reached[a]! - this.#reached[b]!;
  }

  #place(member: number): number {
    const mask = this.#slots.length - 1;
    const hash = Math.imul(member, 0x9e3779b1);
    let place = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[place] !== 0 && this.#members[this.#slots[place]! - 1] !== member) place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#members = widened(this.#members, new Int32Array(this.#capacity));
    this.#scores = widened(this.#scores, new Float64Array(this.#capacity));
    this.#reached = widened(this.#reached, new Float64Array(this.#capacity));
    this.#reachedAtMs = widened(this.#reachedAtMs, new Float64Array(this.#capacity));
    this.#slots = new Int32Array(this.#capacity * 2);
    for (let slot = 0; slot < this.#size; slot++) this.#slots[this.#place(this.#members[slot]!)] = slot + 1;
  }
}

function widened<Column extends Int32Array | Float64Array>(narrow: Column, wide: Column): Column {
  wide.set(narrow);
  return wide;
}
