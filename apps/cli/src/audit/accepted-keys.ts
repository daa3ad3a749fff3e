import { fingerprint } from './fingerprint-set.js';

/** The contract: a stream remembers its newest 20,000 commands, for 24 hours. After that a key may be used again. */
export const REMEMBERED_COMMANDS = 20_000;
export const REMEMBERED_SECONDS = 86_400;
/** Clocks of the processes that wrote the log may differ by so much before a key is forgotten here too early. */
const SKEW_SECONDS = 3_600;
const SLOTS_MIN = 1_024;
/** Above this part of full slots, looking gets slow: forget what may be forgotten, or double. */
const FULL_MAX = 0.6;

/** Where a key was accepted. */
export interface Acceptance {
  /** Of its stream, from 0 in the order in which streams were first seen. */
  readonly stream: number;
  readonly revision: number;
  readonly recordedSeconds: number;
}

/**
 * The idempotency keys that each stream must remember at this place of the log, as 64-bit fingerprints in flat memory.
 * Keys that a stream may have forgotten go when the table is full, so memory is bounded by streams x 20,000 and by what
 * one day brings, and each key costs the same whatever the length of the log. Two keys may share a fingerprint: before a
 * key is called accepted twice, the earlier event is looked at.
 */
export class AcceptedKeys {
  #size = 0;
  #slots = new Slots(SLOTS_MIN);
  /** Keys accepted so far, by stream. */
  readonly #accepted: number[] = [];
  #newestSeconds = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns where the stream accepted this key before, if it must still have remembered it */
  accept(key: string, { stream, revision, recordedSeconds }: Acceptance): Pick<Acceptance, 'revision'> | null {
    const ordinal = (this.#accepted[stream] ?? 0) + 1;
    this.#accepted[stream] = ordinal;
    this.#newestSeconds = Math.max(this.#newestSeconds, recordedSeconds);
    if (this.#size >= this.#slots.count * FULL_MAX) this.#makeRoom();
    const [low, high] = fingerprint(`${stream}\n${key}`);
    const slots = this.#slots;
    const slot = slots.find(low, high);
    let before: Pick<Acceptance, 'revision'> | null = null;
    if (slots.low[slot] === 0) this.#size += 1;
    else {
      const isRecent = recordedSeconds - slots.seconds[slot]! < REMEMBERED_SECONDS;
      if (isRecent && ordinal - slots.ordinal[slot]! <= REMEMBERED_COMMANDS)
        before = { revision: slots.revision[slot]! };
    }
    slots.put(slot, low, high, stream, ordinal, revision, recordedSeconds);
    return before;
  }

  /** Drops what every stream may have forgotten; doubles when that leaves too little room. */
  #makeRoom(): void {
    const old = this.#slots;
    const mayMatter = (slot: number): boolean =>
      old.low[slot] !== 0 &&
      this.#accepted[old.stream[slot]!]! - old.ordinal[slot]! < REMEMBERED_COMMANDS &&
      this.#newestSeconds - old.seconds[slot]! <= REMEMBERED_SECONDS + SKEW_SECONDS;
    let left = 0;
    for (let slot = 0; slot < old.count; slot++) if (mayMatter(slot)) left += 1;
    // Half of the room must be free afterwards, so that it is long until the next time.
    const slots = new Slots(left > (old.count * FULL_MAX) / 2 ? old.count * 2 : old.count);
    for (let slot = 0; slot < old.count; slot++) if (mayMatter(slot)) slots.take(old, slot);
    this.#slots = slots;
    this.#size = left;
  }
}

class Slots {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly stream: Uint32Array;
  readonly ordinal: Uint32Array;
  readonly revision: Uint32Array;
  readonly seconds: Uint32Array;

  constructor(readonly count: number) {
    this.low = new Uint32Array(count);
    this.high = new Uint32Array(count);
    this.stream = new Uint32Array(count);
    this.ordinal = new Uint32Array(count);
    this.revision = new Uint32Array(count);
    this.seconds = new Uint32Array(count);
  }

  /** The slot that holds this fingerprint, or the free one for it. */
  find(low: number, high: number): number {
    const mask = this.count - 1;
    let slot = (low ^ high) & mask;
    while (this.low[slot] !== 0 && (this.low[slot] !== low || this.high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  put(
    slot: number,
    low: number,
    high: number,
    stream: number,
    ordinal: number,
    revision: number,
    seconds: number,
  ): void {
    this.low[slot] = low;
    this.high[slot] = high;
    this.stream[slot] = stream;
    this.ordinal[slot] = ordinal;
    this.revision[slot] = revision;
    this.seconds[slot] = seconds;
  }

  take(from: Slots, at: number): void {
    const [low, high] = [from.low[at]!, from.high[at]!];
    const slot = this.find(low, high);
    this.put(slot, low, high, from.stream[at]!, from.ordinal[at]!, from.revision[at]!, from.seconds[at]!);
  }
}
