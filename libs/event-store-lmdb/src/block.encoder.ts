import { Packr, REUSE_BUFFER_MODE, RESET_BUFFER_MODE } from 'msgpackr';
import {
  BLOCK_BYTES_MAX,
  BLOCK_EVENTS_MAX,
  HEADER_BYTES,
  KIND_MAPS,
  KIND_RECORDS,
  newRecordPackr,
  SHAPES_MAX,
  shapesOf,
  writeHeader,
  type Recording,
} from './block.format.js';

const RECORDS_FROM_EVENTS = 12;
const NO_DICTIONARY = Buffer.alloc(0);

/** What msgpackr answers in its reusing mode: its own buffer, and where the value stands in it. */
type Packed = Buffer & { readonly start: number; readonly end: number };

/** Encodes blocks one after the other into a buffer, so that a commit of many blocks allocates nothing. */
export class BlockEncoder {
  #buffer: Buffer = Buffer.allocUnsafeSlow(4 * BLOCK_BYTES_MAX);
  #end = 0;
  readonly #maps = new Packr({ useRecords: false });
  /** Kept from block to block: the same shapes come again, and so the same dictionary. */
  #records = newRecordPackr();
  #dictionary = NO_DICTIONARY;
  #dictionaryShapes = -1;
  readonly #ends = new Uint32Array(BLOCK_EVENTS_MAX);

  /** The buffer in use; it holds the newest blocks (earlier ones may stand in smaller ones). */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Where the next blocks go. Those encoded before stay valid as long as nobody writes to their buffer. */
  useBuffer(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#end = 0;
  }

  /**
   * Encodes as many of `events` from `start` as one block takes, at least one. Events in `asText` cannot be said in
   * MessagePack (lone surrogates, say) and are kept as JSON text.
   */
  encode(events: readonly Recording[], start: number, first: number, asText: ReadonlySet<Recording> | null) {
    const kind = events.length - start < RECORDS_FROM_EVENTS ? KIND_MAPS : KIND_RECORDS;
    const packr = kind === KIND_MAPS ? this.#maps : this.#recordPackr();
    const blockAt = (this.#end + 7) & ~7;
    const eventsAt = blockAt + HEADER_BYTES;
    let at = eventsAt;
    let count = 0;
    while (start + count < events.length && count < BLOCK_EVENTS_MAX && at - eventsAt < BLOCK_BYTES_MAX) {
      const event = events[start + count]!;
      const value = asText?.has(event) === true ? JSON.stringify(event) : event;
      at = this.#write(packr.pack(value, REUSE_BUFFER_MODE | RESET_BUFFER_MODE) as Packed, at);
      this.#ends[count++] = at - eventsAt;
    }
    const dictionary = kind === KIND_MAPS ? NO_DICTIONARY : this.#dictionaryOfShapes();
    this.#reserve(at + dictionary.length + 4 * count);
    this.#buffer.set(dictionary, at);
    at += dictionary.length;
    for (let i = 0; i < count; i++) at = this.#buffer.writeUInt32LE(this.#ends[i]!, at);
    this.#end = at;
    const bytes = this.#buffer.subarray(blockAt, at);
    writeHeader(bytes, { kind, first, count, dictionaryBytes: dictionary.length });
    return { bytes, count };
  }

  #write(packed: Packed, at: number): number {
    const end = at + packed.end - packed.start;
    this.#reserve(end);
    packed.copy(this.#buffer, at, packed.start, packed.end);
    return end;
  }

  #reserve(end: number): void {
    if (end <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#buffer.length));
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }

  /** Starts afresh when events come in so many shapes that the dictionary is full. */
  #recordPackr(): Packr {
    if (shapesOf(this.#records).length >= SHAPES_MAX) {
      this.#records = newRecordPackr();
      this.#dictionaryShapes = -1;
    }
    return this.#records;
  }

  #dictionaryOfShapes(): Buffer {
    const shapes = shapesOf(this.#records);
    if (shapes.length !== this.#dictionaryShapes) {
      this.#dictionary = Buffer.from(JSON.stringify(shapes));
      this.#dictionaryShapes = shapes.length;
    }
    return this.#dictionary;
  }
}
