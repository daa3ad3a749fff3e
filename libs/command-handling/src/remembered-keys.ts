import { hash } from 'node:crypto';

/** Of one stream at least this many of the newest keys are remembered; older ones may go. */
export const KEYS_REMEMBERED_MIN = 20_000;
/** Beyond so many packed ones the oldest are let go; it takes a sort, so not each time. */
const KEYS_PACKED_MAX = KEYS_REMEMBERED_MIN * 1.25;
/** More fresh keys than this are packed, wherever they come from. */
export const KEYS_UNPACKED_MAX = 1_024;
/** Already so many are, unless many packed ones would have to be merged with them: a fresh key costs five times the memory. */
const KEYS_UNPACKED_FEW = 64;
const PACKED_PER_FRESH = 32;
/** Of one command so many events are found again for its answer. */
export const COMMAND_EVENTS_MAX = 255;

/** Where a command's answer can be read again, with its key and the hash of its body. */
export interface RememberedCommand {
  /** Of its first event. */
  readonly revision: number;
  readonly eventCount: number;
}

/** 20 bytes: 12 of the key's hash, 6 of the revision, 1 for the count of events, one unused. */
const WORDS = 5;
const COUNT_STEPS = 256;
const TWO_32 = 2 ** 32;
const NONE = new Uint32Array(0);

/**
 * The idempotency keys of one stream, and where their events stand. Fresh ones stand in a map under the key itself;
 * `pack` moves them into one sorted buffer, which is what a snapshot holds: loading 20,000 of them is one copy, finding one
 * is a binary search. Whether a body was the same is asked of the event: it carries the body's hash, so nothing here does.
 */
export class RememberedKeys {
  /** Revision x 256 + count of events: a small integer, so that a key costs no object. */
  readonly #fresh = new Map<string, number>();
  #packed: Uint32Array;

  /** @param bytes what `packedBytes` gave */
  constructor(bytes?: Uint8Array) {
    this.#packed = bytes === undefined || bytes.length === 0 ? NONE : new Uint32Array(Uint8Array.from(bytes).buffer);
  }

  get size(): number {
    return this.#fresh.size + this.#packed.length / WORDS;
  }

  find(key: string): RememberedCommand | undefined {
    const place = this.#fresh.get(key);
    if (place === undefined) return this.#packed.length === 0 ? undefined : this.#findPacked(key);
    return { revision: Math.floor(place / COUNT_STEPS), eventCount: place % COUNT_STEPS };
  }

  remember(key: string, revision: number, eventCount: number): void {
    this.#fresh.set(key, revision * COUNT_STEPS + Math.min(eventCount, COMMAND_EVENTS_MAX));
    if (this.#fresh.size > this.#unpackedMax()) this.pack();
  }

  #unpackedMax(): number {
    const worthwhile = this.#packed.length / WORDS / PACKED_PER_FRESH;
    return Math.min(KEYS_UNPACKED_MAX, Math.max(KEYS_UNPACKED_FEW, worthwhile));
  }

  /** Packs the fresh keys; when they have become too many only the newest `KEYS_REMEMBERED_MIN` stay. */
  pack(): void {
    if (this.#fresh.size === 0) return;
    const merged = merge(this.#packed, sortedWords(this.#fresh));
    this.#fresh.clear();
    this.#packed = merged.length / WORDS > KEYS_PACKED_MAX ? newest(merged, KEYS_REMEMBERED_MIN) : merged;
  }

  /** All keys, packed. The bytes are never changed afterwards. */
  packedBytes(): Uint8Array {
    this.pack();
    return new Uint8Array(this.#packed.buffer, this.#packed.byteOffset, this.#packed.byteLength);
  }

  #findPacked(key: string): RememberedCommand | undefined {
    const packed = this.#packed;
    hashKey(key, WANTED, 0);
    let low = 0;
    let high = packed.length / WORDS - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = compareKeys(packed, middle * WORDS, WANTED, 0);
      if (order === 0) {
        const at = middle * WORDS;
        return { revision: revisionAt(packed, at), eventCount: packed[at + 4]! & 0xff };
      }
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

/** The body hash of a command: over its canonical text, defaults filled in. 32 hex digits of SHA-256. */
export function hashBody(canonicalText: string): string {
  return hash('sha256', canonicalText, 'hex').slice(0, 32);
}

/** Reused for each search. */
const WANTED = new Uint32Array(WORDS);

/**
 * 96 bits in three independent lanes. Not for secrets: whoever finds two keys that collide has the second one refused, since
 * the event that it leads to names the first.
 */
function hashKey(key: string, words: Uint32Array, at: number): void {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162 ^ key.length;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b ^ code, 0xc2b2ae35);
    b ^= b >>> 13;
    c = Math.imul(c ^ code, 0x27d4eb2f);
    c ^= c >>> 16;
  }
  words[at] = Math.imul(a, 0xcc9e2d51) ^ (a >>> 13);
  words[at + 1] = Math.imul(b, 0x1b873593) ^ (b >>> 16);
  words[at + 2] = Math.imul(c, 0x165667b1) ^ (c >>> 15);
}

function revisionAt(words: Uint32Array, at: number): number {
  return (words[at + 4]! >>> 8) * TWO_32 + words[at + 3]!;
}

function sortedWords(fresh: ReadonlyMap<string, number>): Uint32Array {
  const words = new Uint32Array(fresh.size * WORDS);
  let at = 0;
  for (const [key, place] of fresh) {
    const revision = Math.floor(place / COUNT_STEPS);
    hashKey(key, words, at);
    words[at + 3] = revision % TWO_32;
    words[at + 4] = Math.floor(revision / TWO_32) * COUNT_STEPS + (place % COUNT_STEPS);
    at += WORDS;
  }
  const order = Uint32Array.from({ length: fresh.size }, (_, index) => index * WORDS);
  order.sort((x, y) => compareKeys(words, x, words, y));
  const sorted = new Uint32Array(words.length);
  order.forEach((from, index) => copyEntry(words, from, sorted, index * WORDS));
  return sorted;
}

function compareKeys(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  return a[atA]! - b[atB]! || a[atA + 1]! - b[atB + 1]! || a[atA + 2]! - b[atB + 2]!;
}

function copyEntry(from: Uint32Array, at: number, to: Uint32Array, toAt: number): void {
  for (let word = 0; word < WORDS; word++) to[toAt + word] = from[at + word]!;
}

/** Of a key that stands in both, the one in `newer` stays. */
function merge(older: Uint32Array, newer: Uint32Array): Uint32Array {
  const merged = new Uint32Array(older.length + newer.length);
  let i = 0;
  let j = 0;
  let length = 0;
  while (i < older.length || j < newer.length) {
    const order = i === older.length ? 1 : j === newer.length ? -1 : compareKeys(older, i, newer, j);
    if (order < 0) copyEntry(older, i, merged, length);
    else copyEntry(newer, j, merged, length);
    length += WORDS;
    if (order <= 0) i += WORDS;
    if (order >= 0) j += WORDS;
  }
  return length === merged.length ? merged : merged.slice(0, length);
}

/** Those with the highest revisions. */
function newest(words: Uint32Array, count: number): Uint32Array {
  const revisions = new Float64Array(words.length / WORDS);
  for (let k = 0; k < revisions.length; k++) revisions[k] = revisionAt(words, k * WORDS);
  const lowest = revisions.slice().sort()[revisions.length - count]!;
  const kept = new Uint32Array(count * WORDS);
  let length = 0;
  for (let k = 0; k < revisions.length && length < kept.length; k++) {
    if (revisions[k]! < lowest) continue;
    copyEntry(words, k * WORDS, kept, length);
    length += WORDS;
  }
  return kept;
}
