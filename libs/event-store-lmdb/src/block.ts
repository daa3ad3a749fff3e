import { Unpackr } from 'msgpackr';
import type { RecordedEvent } from '@livegift/kernel';
import { HEADER_BYTES, KIND_MAPS, readHeader, RECORD_OPTIONS, type Recording } from './block.format.js';
import { positionOf } from './sequence.js';

const DICTIONARIES_KEPT_MAX = 32;

/** Most blocks have the same few dictionaries; a prepared reader is far faster than a fresh one. */
const prepared = new Map<string, Unpackr>();
const mapUnpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** A block whose checksum has been verified. Events are decoded when asked for and not kept. */
export class Block {
  readonly last: number;
  readonly #eventsEnd: number;
  readonly #endsAt: number;

  private constructor(
    readonly bytes: Buffer,
    readonly first: number,
    readonly count: number,
    readonly unpackr: Unpackr,
    dictionaryBytes: number,
  ) {
    this.last = first + count - 1;
    this.#endsAt = bytes.length - 4 * count;
    this.#eventsEnd = this.#endsAt - dictionaryBytes;
  }

  /** The block, or what is wrong with it. */
  static from(bytes: Buffer): Block | string {
    const header = readHeader(bytes);
    if (typeof header === 'string') return header;
    const { kind, first, count, dictionaryBytes } = header;
    const dictionaryEnd = bytes.length - 4 * count;
    const dictionary = bytes.subarray(dictionaryEnd - dictionaryBytes, dictionaryEnd);
    return new Block(bytes, first, count, kind === KIND_MAPS ? mapUnpackr : unpackrFor(dictionary), dictionaryBytes);
  }

  /** Events from position `from` to `to`, both included and within the block. */
  events(from: number, to: number): RecordedEvent[] {
    const start = HEADER_BYTES + (from === this.first ? 0 : this.#end(from - this.first - 1));
    const end = to === this.last ? this.#eventsEnd : HEADER_BYTES + this.#end(to - this.first);
    const values = this.unpackr.unpackMultiple(this.bytes.subarray(start, end)) as (Recording | string)[];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const event = typeof value === 'string' ? (JSON.parse(value) as Recording) : value;
      event.position = positionOf(from + i);
      values[i] = event;
    }
    return values as RecordedEvent[];
  }

  #end(index: number): number {
    return this.bytes.readUInt32LE(this.#endsAt + 4 * index);
  }
}

function unpackrFor(dictionary: Buffer): Unpackr {
  const key = dictionary.toString('latin1');
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const shapes = JSON.parse(dictionary.toString()) as string[][];
  const unpackr = new Unpackr({ ...RECORD_OPTIONS, getStructures: () => shapes });
  if (prepared.size >= DICTIONARIES_KEPT_MAX) prepared.delete(prepared.keys().next().value!);
  prepared.set(key, unpackr);
  return unpackr;
}
