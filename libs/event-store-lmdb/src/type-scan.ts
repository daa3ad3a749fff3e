import type { RecordedEvent } from '@livegift/kernel';
import type { AbsentTypes } from './absent-types.js';
import type { BlockLog } from './block-log.js';
import { sequenceOf } from './sequence.js';

/** A scan gives way after this long: others wait no longer for it. */
const SLICE_MS_MAX = 3;
/** Looking at the time costs about as much as looking at a small block. */
const BLOCKS_PER_LOOK = 16;
/** Where most events are wanted, so many are decoded at once. */
const DENSE_EVENTS = 512;

/** What the scan reads: the durable log. */
export interface ScannedLog {
  readonly blocks: BlockLog;
  readonly absent: AbsentTypes;
  range(from: number, to: number): readonly RecordedEvent[];
}

export interface ScanSlice {
  readonly events: readonly RecordedEvent[];
  /** The last position looked at. */
  readonly through: number;
  /** It stopped because its time was up. */
  readonly isCutShort: boolean;
}

export const yieldToLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Needle {
  readonly type: string;
  /** As they stand in a block; null where that depends on how the event was encoded. */
  readonly bytes: Buffer | null;
}

/** In these, the name of a type is the same in MessagePack and in JSON text. */
const SAME_IN_EVERY_ENCODING = /^[\w .:$-]+$/;

/**
 * Finds events of some types, in order. Blocks in which the bytes of no wanted type occur are passed over without being decoded
 * (their checksums are verified all the same), and whole stretches without any once a scan has been through them.
 */
export class TypeScan {
  readonly #types: ReadonlySet<string>;
  readonly #needles: readonly Needle[];
  /** For each type, where the part that was looked at without finding one begins. */
  readonly #noneSince = new Map<string, number>();
  #next = 0;
  /** Blocks were worth decoding lately. */
  #isDense = false;

  constructor(types: readonly string[]) {
    this.#types = new Set(types);
    this.#needles = types.map((type) => ({
      type,
      bytes: SAME_IN_EVERY_ENCODING.test(type) ? Buffer.from(type) : null,
    }));
  }

  /** Looks from `from` to `to`, or until `eventsMax` are found or its time is up. @throws EventStoreError `damaged` */
  slice(log: ScannedLog, from: number, to: number, eventsMax: number): ScanSlice {
    if (from !== this.#next) for (const type of this.#types) this.#noneSince.set(type, from);
    const endMs = performance.now() + SLICE_MS_MAX;
    const events: RecordedEvent[] = [];
    let next = from;
    for (let looked = 1; next <= to && events.length < eventsMax; looked++) {
      const isTimeUp = (this.#isDense || looked % BLOCKS_PER_LOOK === 0) && performance.now() > endMs;
      if (isTimeUp && looked > 1) break;
      const start = next;
      next = this.#isDense
        ? this.#decode(log, next, Math.min(to, next + Math.min(DENSE_EVENTS, eventsMax - events.length) - 1), events)
        : this.#passOver(log, next, to, eventsMax - events.length, events);
      this.#learn(log.absent, start, next);
    }
    this.#next = next;
    return { events, through: next - 1, isCutShort: next <= to && events.length < eventsMax };
  }

  /** The next position to look at, behind a stretch or a block in which nothing is wanted, or behind what was decoded. */
  #passOver(log: ScannedLog, from: number, to: number, eventsMax: number, events: RecordedEvent[]): number {
    const { absent, blocks } = log;
    const stretch = absent.stretchOf(from);
    const needles = this.#needles.filter(({ type }) => !absent.has(type, stretch));
    if (needles.length === 0) return Math.min(to, absent.lastOf(stretch)) + 1;
    const { bytes, last } = blocks.glance(from);
    const end = Math.min(to, last);
    // A block may reach into the next stretch, of which less is known.
    const wanted = end > absent.lastOf(stretch) ? this.#needles : needles;
    if (!wanted.some((needle) => needle.bytes === null || bytes.includes(needle.bytes))) return end + 1;
    return this.#decode(log, from, Math.min(end, from + eventsMax - 1), events);
  }

  #decode(log: ScannedLog, from: number, to: number, events: RecordedEvent[]): number {
    const found = log.range(from, to).filter(({ type }) => this.#types.has(type));
    for (const event of found) {
      events.push(event);
      this.#noneSince.set(event.type, sequenceOf(event.position) + 1);
    }
    this.#isDense = found.length > 0;
    return to + 1;
  }

  /** What was looked at from `start` to before `end` may complete a stretch. */
  #learn(absent: AbsentTypes, start: number, end: number): void {
    for (let stretch = absent.stretchOf(start); absent.lastOf(stretch) < end; stretch++) {
      for (const [type, since] of this.#noneSince) {
        if (since <= absent.firstOf(stretch) && !absent.has(type, stretch)) absent.add(type, stretch);
      }
    }
  }
}
