const CHUNK_BITS = 14;
const CHUNK_SIZE = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_SIZE - 1;

/** Exact numbers by index, growing chunk by chunk: nothing is copied, so no growth holds the event loop up. */
export class Float64Column {
  readonly #chunks: Float64Array[] = [];

  get(index: number): number {
    return this.#chunks[index >>> CHUNK_BITS]![index & CHUNK_MASK]!;
  }

  set(index: number, value: number): void {
    this.#chunks[index >>> CHUNK_BITS]![index & CHUNK_MASK] = value;
  }

  add(index: number, value: number): void {
    this.#chunks[index >>> CHUNK_BITS]![index & CHUNK_MASK]! += value;
  }

  /** Makes `index` writable; new places hold 0. */
  reach(index: number): void {
    while (index >>> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Float64Array(CHUNK_SIZE));
  }
}
