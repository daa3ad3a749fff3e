const CHUNK_BITS = 14;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;
/** Coins, position, time: side by side, so that a gift touches one place in memory. */
const FIELDS = 3;

/** All that each viewer gave, and when that sum was reached. Grows chunk by chunk: nothing is copied. */
export class GivenTotals {
  readonly #chunks: Float64Array[] = [];

  add(viewer: number, coins: number, reached: number, reachedAtMs: number): void {
    while (viewer >>> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Float64Array((CHUNK_MASK + 1) * FIELDS));
    const chunk = this.#chunks[viewer >>> CHUNK_BITS]!;
    const at = (viewer & CHUNK_MASK) * FIELDS;
    chunk[at]! += coins;
    chunk[at + 1] = reached;
    chunk[at + 2] = reachedAtMs;
  }

  /** 0 for a viewer who gave nothing. */
  coins(viewer: number): number {
    return this.#chunks[viewer >>> CHUNK_BITS]?.[(viewer & CHUNK_MASK) * FIELDS] ?? 0;
  }

  reached(viewer: number): number {
    return this.#chunks[viewer >>> CHUNK_BITS]![(viewer & CHUNK_MASK) * FIELDS + 1]!;
  }

  reachedAtMs(viewer: number): number {
    return this.#chunks[viewer >>> CHUNK_BITS]![(viewer & CHUNK_MASK) * FIELDS + 2]!;
  }
}
