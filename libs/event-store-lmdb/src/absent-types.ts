/** Positions are looked at in stretches of this many. */
const STRETCH_EVENTS = 8_192;
/** Types that something is remembered of; the one asked for longest ago is forgotten. */
const TYPES_MAX = 64;
const BITS = 8;

/**
 * Stretches of the log that hold no event of a type. What is in the log never changes, so what a scan found once holds for
 * ever; it is learned by scanning, and takes a bit for each stretch and type.
 */
export class AbsentTypes {
  readonly #absent = new Map<string, Uint8Array>();

  stretchOf(sequence: number): number {
    return Math.floor((sequence - 1) / STRETCH_EVENTS);
  }

  firstOf(stretch: number): number {
    return stretch * STRETCH_EVENTS + 1;
  }

  lastOf(stretch: number): number {
    return (stretch + 1) * STRETCH_EVENTS;
  }

  has(type: string, stretch: number): boolean {
    const bits = this.#absent.get(type);
    return bits !== undefined && ((bits[Math.floor(stretch / BITS)] ?? 0) & (1 << (stretch % BITS))) !== 0;
  }

  add(type: string, stretch: number): void {
    const at = Math.floor(stretch / BITS);
    let bits = this.#absent.get(type);
    if (bits === undefined || at >= bits.length) {
      const larger = new Uint8Array(2 * (at + 1));
      if (bits !== undefined) larger.set(bits);
      bits = larger;
    }
    this.#absent.delete(type);
    this.#absent.set(type, bits);
    bits[at]! |= 1 << (stretch % BITS);
    if (this.#absent.size > TYPES_MAX) this.#absent.delete(this.#absent.keys().next().value!);
  }
}
