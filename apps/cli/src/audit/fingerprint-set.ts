const SLOTS_MIN = 1_024;
/** Above this part of full slots, looking gets slow: double. */
const FULL_MAX = 0.6;

/**
 * A set of texts, kept as 64-bit fingerprints in flat memory: 13 to 27 bytes each, whatever the text's length, and no end
 * at the 16.7 million entries of a Set. Two texts may share a fingerprint (a millionth of a chance among ten million), so
 * a text that is found known must be looked at before it is called a duplicate.
 */
export class FingerprintSet {
  #size = 0;
  #low = new Uint32Array(SLOTS_MIN);
  #high = new Uint32Array(SLOTS_MIN);

  get size(): number {
    return this.#size;
  }

  /** True when it was not there before. */
  add(text: string): boolean {
    if (this.#size >= this.#low.length * FULL_MAX) this.#grow();
    const [low, high] = fingerprint(text);
    const added = insert(this.#low, this.#high, low, high);
    if (added) this.#size += 1;
    return added;
  }

  #grow(): void {
    const low = new Uint32Array(this.#low.length * 2);
    const high = new Uint32Array(this.#high.length * 2);
    for (let slot = 0; slot < this.#low.length; slot++) {
      if (this.#low[slot] !== 0) insert(low, high, this.#low[slot]!, this.#high[slot]!);
    }
    this.#low = low;
    this.#high = high;
  }
}

function insert(lows: Uint32Array, highs: Uint32Array, low: number, high: number): boolean {
  const mask = lows.length - 1;
  let slot = (low ^ high) & mask;
  while (lows[slot] !== 0) {
    if (lows[slot] === low && highs[slot] === high) return false;
    slot = (slot + 1) & mask;
  }
  lows[slot] = low;
  highs[slot] = high;
  return true;
}

/** Two independent 32-bit multiplicative hashes (cyrb's constants); the first is never 0, which marks an empty slot. */
export function fingerprint(text: string): readonly [number, number] {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  const mixedA = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  const mixedB = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return [mixedA >>> 0 || 1, mixedB >>> 0];
}
