import { hash } from 'node:crypto';

/** Of one stream at least this many of the newest keys are remembered; older ones may go. */
export const KEYS_REMEMBERED_MIN = 20_000;
/** More fresh keys than this are packed, wherever they come from. */
export const KEYS_UNPACKED_MAX = 4_096;

/** Of one command so many events are found again for its answer. */
export const COMMAND_EVENTS_MAX = 255;

/** Where a command's answer can be read again. */
export interface RememberedCommand {
  /** Hex; the first 16 digits count. */
  readonly bodyHash: string;
  /** Of its first event. */
  readonly revision: number;
  readonly eventCount: number;
}

/** 28 bytes: 12 of the key's SHA-256, 8 of the body hash, 6 of the revision, one for the count of events. */
const WORDS = 7;
const BODY_HASH_DIGITS = 16;
const TWO_32 = 2 ** 32;

/**
 * The idempotency keys of one stream. Fresh ones stand in a map under the key itself; `pack` moves them into one sorted
 * buffer, which is what a snapshot holds: loading 20,000 of them is one copy, finding one is a binary search.
 */
export class RememberedKeys {
  readonly #fresh = new Map<string, RememberedCommand>();
  #packed: Uint32Array;

  /** @param bytes what `packedBytes` gave */
  constructor(bytes?: Uint8Array) {
    this.#packed = bytes === undefined || bytes.length === 0 ? NONE : new Uint32Array(bytes.slice().buffer);
  }

  get size(): number {
    return this.#fresh.size + this.#packed.length / WORDS;
  }

  find(key: string): RememberedCommand | undefined {
    return this.#fresh.get(key) ?? (this.#packed.length === 0 ? undefined : this.#findPacked(key));
  }

  remember(key: string, command: RememberedCommand): void {
    this.#fresh.set(key, command);
    if (this.#fresh.size > KEYS_UNPACKED_MAX) this.pack();
  }

  /** Packs the fresh keys and lets go of what is older than the newest `KEYS_REMEMBERED_MIN`. */
  pack(): void {
    if (this.#fresh.size === 0) return;
    const merged = merge(this.#packed, sortedWords(this.#fresh));
    this.#fresh.clear();
    this.#packed = merged.length / WORDS > KEYS_REMEMBERED_MIN ? newest(merged, KEYS_REMEMBERED_MIN) : merged;
  }

  /** All keys, packed. The bytes are never changed afterwards. */
  packedBytes(): Uint8Array {
    this.pack();
    return new Uint8Array(this.#packed.buffer, this.#packed.byteOffset, this.#packed.byteLength);
  }

  #findPacked(key: string): RememberedCommand | undefined {
    const packed = this.#packed;
    const wanted = new Uint32Array(WORDS);
    hashKey(key, wanted, 0);
    let low = 0;
    let high = packed.length / WORDS - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = compareKeys(packed, middle * WORDS, wanted, 0);
      if (order === 0) return commandAt(packed, middle * WORDS);
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

/** True when both commands had the same body. */
export function sameBody(a: string, b: string): boolean {
  return a === b || a.slice(0, BODY_HASH_DIGITS) === b.slice(0, BODY_HASH_DIGITS);
}

/** The body hash of a command: over its canonical text, defaults filled in. 32 hex digits. */
export function hashBody(canonicalText: string): string {
  return hash('sha256', canonicalText, 'hex').slice(0, 32);
}

const NONE = new Uint32Array(0);

function hashKey(key: string, words: Uint32Array, at: number): void {
  const digest = hash('sha256', key, 'hex');
  words[at] = Number.parseInt(digest.slice(0, 8), 16);
  words[at + 1] = Number.parseInt(digest.slice(8, 16), 16);
  words[at + 2] = Number.parseInt(digest.slice(16, 24), 16);
}

function commandAt(words: Uint32Array, at: number): RememberedCommand {
  const last = words[at + 6]!;
  return {
    bodyHash: hex(words[at + 3]!) + hex(words[at + 4]!),
    revision: (last >>> 8) * TWO_32 + words[at + 5]!,
    eventCount: last & 0xff,
  };
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

function sortedWords(fresh: ReadonlyMap<string, RememberedCommand>): Uint32Array {
  const words = new Uint32Array(fresh.size * WORDS);
  let at = 0;
  for (const [key, { bodyHash, revision, eventCount }] of fresh) {
    hashKey(key, words, at);
    words[at + 3] = Number.parseInt(bodyHash.slice(0, 8), 16);
    words[at + 4] = Number.parseInt(bodyHash.slice(8, 16), 16);
    words[at + 5] = revision % TWO_32;
    words[at + 6] = Math.floor(revision / TWO_32) * 256 + eventCount;
    at += WORDS;
  }
  const order = Array.from({ length: fresh.size }, (_, index) => index * WORDS);
  order.sort((a, b) => compareKeys(words, a, words, b));
  const sorted = new Uint32Array(words.length);
  order.forEach((from, index) => sorted.set(words.subarray(from, from + WORDS), index * WORDS));
  return sorted;
}

function compareKeys(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  return a[atA]! - b[atB]! || a[atA + 1]! - b[atB + 1]! || a[atA + 2]! - b[atB + 2]!;
}

/** Of a key that stands in both, the one in `newer` stays. */
function merge(older: Uint32Array, newer: Uint32Array): Uint32Array {
  const merged = new Uint32Array(older.length + newer.length);
  let i = 0;
  let j = 0;
  let length = 0;
  while (i < older.length || j < newer.length) {
    const order = i === older.length ? 1 : j === newer.length ? -1 : compareKeys(older, i, newer, j);
    const from = order < 0 ? older : newer;
    const at = order < 0 ? i : j;
    for (let word = 0; word < WORDS; word++) merged[length + word] = from[at + word]!;
    length += WORDS;
    if (order <= 0) i += WORDS;
    if (order >= 0) j += WORDS;
  }
  return length === merged.length ? merged : merged.slice(0, length);
}

/** Those with the highest revisions. */
function newest(words: Uint32Array, count: number): Uint32Array {
  const revisions = new Float64Array(words.length / WORDS);
  for (let k = 0; k < revisions.length; k++) revisions[k] = commandAt(words, k * WORDS).revision;
  const lowest = revisions.slice().sort()[revisions.length - count]!;
  const kept = new Uint32Array(count * WORDS);
  let length = 0;
  for (let k = 0; k < revisions.length && length < kept.length; k++) {
    if (revisions[k]! < lowest) continue;
    kept.set(words.subarray(k * WORDS, (k + 1) * WORDS), length);
    length += WORDS;
  }
  return kept;
}
