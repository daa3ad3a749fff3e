import { Packr } from 'msgpackr';
import {
  BLOCK_BYTES_MAX,
  BLOCK_EVENTS_MAX,
  HEADER_BYTES,
  KIND_MAPS,
  KIND_RECORDS,
  writeHeader,
  type Recording,
} from './block.format.js';
import { asJson } from './json-event.js';
import { RecordEncoder, SHAPES_MAX, type RecordShape } from './record.encoder.js';

const RECORDS_FROM_EVENTS = 12;
const NO_DICTIONARY = Buffer.alloc(0);
const TYPES_MAX = 1_024;

/** Where a block in work stood before an append, to go back to. */
export interface Mark {
  readonly at: number;
  readonly count: number;
}

/** Encodes events, when they come, into the block in work, and ends blocks; one after the other into one buffer. */
export class BlockEncoder {
  readonly #records = new RecordEncoder(Buffer.allocUnsafeSlow(4 * BLOCK_BYTES_MAX));
  readonly #maps = new Packr({ useRecords: false });
  #blockAt = 0;
  #count = 0;
  /** An append of several events may go over the bound by them. */
  #ends = new Uint32Array(2 * BLOCK_EVENTS_MAX);
  #dictionary = NO_DICTIONARY;
  #dictionaryShapes = 0;
  #eventShape: RecordShape | null = null;
  /** The shape that data of a type had last. */
  readonly #dataShapes = new Map<string, RecordShape | null>();
  /** Events of the block in work that stand there as JSON text, as MessagePack cannot say them. */
  #texts: Set<Recording> | null = null;

  /** The buffer in use; it holds the newest blocks (earlier ones may stand in smaller ones). */
  get buffer(): Buffer {
    return this.#records.buffer;
  }

  /** Where the next blocks go. Those made before stay valid as long as nobody writes to their buffer. */
  useBuffer(buffer: Buffer): void {
    this.#records.buffer = buffer;
    this.#records.at = 0;
    this.#beginBlock();
  }

  /** At most how many bytes the events added since it was set to 0 take as JSON. */
  get jsonBytes(): number {
    return this.#records.jsonBytes;
  }

  set jsonBytes(bytes: number) {
    this.#records.jsonBytes = bytes;
  }

  mark(): Mark {
    return { at: this.#records.at, count: this.#count };
  }

  /** Takes back what was added to the block in work after `mark`. */
  rollBack(mark: Mark): void {
    this.#records.at = mark.at;
    this.#count = mark.count;
  }

  /** Events in the block in work. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= BLOCK_EVENTS_MAX || this.#records.at - this.#blockAt >= BLOCK_BYTES_MAX;
  }

  /** Adds one event to the block in work; if JSON would change it, the event becomes what JSON makes of it. */
  add(event: Recording): void {
    const records = this.#records;
    const start = records.at;
    this.#write(event);
    if (!records.plain) {
      records.at = start;
      const { data, metadata } = asJson(event);
      event.data = data;
      event.metadata = metadata;
      this.#write(event);
    }
    if (!records.plain) {
      records.at = start;
      records.plain = true;
      records.write(JSON.stringify(event), null, 0);
      records.plain = true;
      (this.#texts ??= new Set()).add(event);
    }
    if (this.#count === this.#ends.length) this.#moreEnds();
    this.#ends[this.#count++] = records.at - this.#blockAt - HEADER_BYTES;
  }

  /** Ends the block in work, which holds the events of `events` from `start`, and begins the next. */
  endBlock(events: readonly Recording[], start: number, first: number): Buffer {
    const records = this.#records;
    const blockAt = this.#blockAt;
    const count = this.#count;
    const kind = count < RECORDS_FROM_EVENTS ? KIND_MAPS : KIND_RECORDS;
    if (kind === KIND_MAPS) this.#rewriteAsMaps(events, start);
    const dictionary = kind === KIND_MAPS ? NO_DICTIONARY : this.#dictionaryOfShapes();
    records.reserve(dictionary.length + 4 * count);
    records.buffer.set(dictionary, records.at);
    records.at += dictionary.length;
    for (let i = 0; i < count; i++) records.at = records.buffer.writeUInt32LE(this.#ends[i]!, records.at);
    const bytes = records.buffer.subarray(blockAt, records.at);
    writeHeader(bytes, { kind, first, count, dictionaryBytes: dictionary.length });
    this.#beginBlock();
    return bytes;
  }

  #write(event: Recording): void {
    const records = this.#records;
    records.plain = true;
    const { type } = event;
    const shape = this.#eventShape;
    if (shape !== null) shape.valueShapes[DATA_KEY] = this.#dataShapes.get(type) ?? null;
    this.#eventShape = records.writeObject(event, shape, 0);
    if (this.#dataShapes.size > TYPES_MAX) this.#dataShapes.clear();
    this.#dataShapes.set(type, this.#eventShape?.valueShapes[DATA_KEY] ?? null);
  }

  #beginBlock(): void {
    const records = this.#records;
    // Events came in so many shapes that the dictionary is full: begin a new one.
    if (records.shapes.length >= SHAPES_MAX) {
      records.forgetShapes();
      this.#dictionaryShapes = 0;
      this.#eventShape = null;
      this.#dataShapes.clear();
    }
    records.at = (records.at + 7) & ~7;
    this.#blockAt = records.at;
    records.reserve(HEADER_BYTES);
    records.at += HEADER_BYTES;
    this.#count = 0;
    this.#texts = null;
  }

  #rewriteAsMaps(events: readonly Recording[], start: number): void {
    const records = this.#records;
    records.at = this.#blockAt + HEADER_BYTES;
    for (let i = 0; i < this.#count; i++) {
      const event = events[start + i]!;
      const packed = this.#maps.pack(this.#texts?.has(event) === true ? JSON.stringify(event) : event);
      records.reserve(packed.length);
      records.buffer.set(packed, records.at);
      records.at += packed.length;
      this.#ends[i] = records.at - this.#blockAt - HEADER_BYTES;
    }
  }

  #dictionaryOfShapes(): Buffer {
    const { shapes } = this.#records;
    if (shapes.length !== this.#dictionaryShapes) {
      this.#dictionary = Buffer.from(JSON.stringify(shapes));
      this.#dictionaryShapes = shapes.length;
    }
    return this.#dictionary;
  }

  #moreEnds(): void {
    const more = new Uint32Array(2 * this.#ends.length);
    more.set(this.#ends);
    this.#ends = more;
  }
}

/** Which value of a recording its data is. */
const DATA_KEY = 3;
