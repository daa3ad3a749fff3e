/** Taken once: jest's sandbox makes every look at a global cost. */
const { imul } = Math;
const LINES_KEPT = 400;

/** What happened, in order: its last lines to read and a hash of all of it, to compare two runs of one seed. */
export class Trace {
  readonly #lines: string[] = [];
  #first = 0;
  #high = 0xdeadbeef;
  #low = 0x41c6ce57;
  count = 0;

  constructor(readonly linesKept = LINES_KEPT) {}

  add(line: string): void {
    this.count++;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      this.#high = imul(this.#high ^ code, 2_654_435_761);
      this.#low = imul(this.#low ^ code, 1_597_334_677);
    }
    this.#high ^= this.#low >>> 13;
    this.#low ^= this.#high >>> 16;
    if (this.linesKept === 0) return;
    this.#lines[this.#first] = line;
    this.#first = (this.#first + 1) % this.linesKept;
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** The last `most` lines, oldest first. */
  lines(most = this.linesKept): readonly string[] {
    return [...this.#lines.slice(this.#first), ...this.#lines.slice(0, this.#first)].slice(-most);
  }
}
