// Longer than most: one format, written out type by type, without a call more than needed.
/**
 * Writes events as msgpackr's records: the keys of an object stand once in the block's dictionary, its values follow a
 * record id. msgpackr reads it; writing is done here because three quarters of an append's time went into it: objects of
 * one shape come one after the other, so the shape that came last at the same place is tried first, and one walk over
 * the event also finds whatever JSON would change and how large it is at most. Format: MessagePack, with 0x40 to 0x7f
 * taken by record ids as msgpackr has them.
 */
const SHAPE_KEYS_MAX = 64;
export const SHAPES_MAX = 256;
const DEPTH_MAX = 64;
const JSON_BYTES_PER_UNIT_MAX = 6;
const SHORT_TEXT_MAX = 64;
const FIRST_RECORD_ID = 0x40;
const FIRST_LONG_RECORD_ID = 0x60;
const PLAIN_PROTOTYPE = Object.prototype;

type MaybeIllFormed = string & { isWellFormed(): boolean };

interface Shape {
  readonly id: number;
  readonly keys: readonly string[];
  /** For each key, the shape that its value had last. */
  readonly valueShapes: (Shape | null)[];
  readonly jsonBytes: number;
}

export class RecordEncoder {
  at = 0;
  /** At most how many bytes what was written since the last reset takes as JSON. */
  jsonBytes = 0;
  /** False once a value was met that JSON would change, or that MessagePack cannot say. */
  plain = true;
  #shapes = new Map<string, Shape>();
  #keys: (readonly string[])[] = [];

  constructor(public buffer: Buffer) {}

  /** Keys of the records written so far, by id. */
  get shapes(): readonly (readonly string[])[] {
    return this.#keys;
  }

  forgetShapes(): void {
    this.#shapes = new Map();
    this.#keys = [];
  }

  reserve(bytes: number): void {
    const end = this.at + bytes;
    if (end <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  /** Writes `value`; answers its shape, to be handed in with the next value of the same place. */
  write(value: unknown, expected: Shape | null, depth: number): Shape | null {
    switch (typeof value) {
      case 'string':
        this.#writeText(value);
        return expected;
      case 'number':
        this.#writeNumber(value);
        return expected;
      case 'boolean':
        this.#writeByte(value ? 0xc3 : 0xc2);
        return expected;
      case 'object':
        if (value === null) {
          this.#writeByte(0xc0);
          return expected;
        }
        if (depth >= DEPTH_MAX) {
          this.plain = false;
          return expected;
        }
        return Array.isArray(value)
          ? this.#writeArray(value, expected, depth)
          : this.writeObject(value, expected, depth);
      default:
        this.plain = false;
        return expected;
    }
  }

  writeObject(value: object, expected: Shape | null, depth: number): Shape | null {
    if (Object.getPrototypeOf(value) !== PLAIN_PROTOTYPE) {
      this.plain = false;
      return expected;
    }
    if (expected !== null && this.#writeAs(value as Record<string, unknown>, expected, depth)) return expected;
    const shape = this.#shapeOf(value);
    if (shape === null) this.#writeMap(value as Record<string, unknown>, depth);
    else this.#writeAs(value as Record<string, unknown>, shape, depth);
    return shape;
  }

  /** False, with nothing written, when the object has other keys. */
  #writeAs(value: Record<string, unknown>, shape: Shape, depth: number): boolean {
    const { keys, valueShapes } = shape;
    const start = this.at;
    this.#writeRecordId(shape.id);
    let i = 0;
    for (const key in value) {
      if (key !== keys[i]) {
        this.at = start;
        return false;
      }
      valueShapes[i] = this.write(value[key], valueShapes[i]!, depth + 1);
      i++;
    }
    if (i !== keys.length) {
      this.at = start;
      return false;
    }
    this.jsonBytes += shape.jsonBytes;
    return true;
  }

  #writeRecordId(id: number): void {
    this.reserve(2);
    const recordId = FIRST_RECORD_ID + id;
    if (recordId < FIRST_LONG_RECORD_ID) {
      this.buffer[this.at++] = recordId;
      return;
    }
    const long = recordId - FIRST_LONG_RECORD_ID;
    this.buffer[this.at++] = FIRST_LONG_RECORD_ID + (long & 0x1f);
    this.buffer[this.at++] = long >> 5;
  }

  /** Null where a shape is not worth its place in the dictionary, or there is none left. */
  #shapeOf(value: object): Shape | null {
    const keys = Object.keys(value);
    if (keys.length > SHAPE_KEYS_MAX || keys.length === 0) return null;
    const name = keys.join('\0');
    const known = this.#shapes.get(name);
    if (known !== undefined || this.#keys.length >= SHAPES_MAX) return known ?? null;
    const jsonBytes = 2 + JSON_BYTES_PER_UNIT_MAX * name.length + 4 * keys.length;
    const shape = { id: this.#keys.length, keys, valueShapes: keys.map(() => null), jsonBytes };
    // msgpackr renames this key, to be safe.
    if (keys.includes('__proto__') || !(name as MaybeIllFormed).isWellFormed()) {
      this.plain = false;
      return null;
    }
    this.#shapes.set(name, shape);
    this.#keys.push(keys);
    return shape;
  }

  #writeMap(value: Record<string, unknown>, depth: number): void {
    const keys = Object.keys(value);
    this.reserve(5);
    this.jsonBytes += 2 + keys.length * 2;
    this.at = writeLength(this.buffer, this.at, keys.length, 0x80, 0xde);
    for (const key of keys) {
      if (key === '__proto__') this.plain = false;
      this.#writeText(key);
      this.write(value[key], null, depth + 1);
    }
  }

  #writeArray(items: readonly unknown[], expected: Shape | null, depth: number): Shape | null {
    this.reserve(5);
    this.jsonBytes += 2 + items.length;
    this.at = writeLength(this.buffer, this.at, items.length, 0x90, 0xdc);
    let shape = expected;
    for (let i = 0; i < items.length; i++) shape = this.write(items[i], shape, depth + 1);
    return shape;
  }

  #writeText(text: string): void {
    const { length } = text;
    this.jsonBytes += length * JSON_BYTES_PER_UNIT_MAX + 3;
    this.reserve(length * 3 + 5);
    if (length >= SHORT_TEXT_MAX) {
      this.#writeLongText(text);
      return;
    }
    const { buffer } = this;
    let at = this.at;
    if (length < 32) buffer[at++] = 0xa0 | length;
    else {
      buffer[at++] = 0xd9;
      buffer[at++] = length;
    }
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#writeLongText(text);
        return;
      }
      buffer[at++] = unit;
    }
    this.at = at;
  }

  #writeLongText(text: string): void {
    if (!(text as MaybeIllFormed).isWellFormed()) this.plain = false;
    const bytes = Buffer.byteLength(text);
    const { buffer } = this;
    let at = this.at;
    if (bytes < 32) buffer[at++] = 0xa0 | bytes;
    else if (bytes < 0x100) {
      buffer[at++] = 0xd9;
      buffer[at++] = bytes;
    } else if (bytes < 0x1_0000) {
      buffer[at++] = 0xda;
      at = buffer.writeUInt16BE(bytes, at);
    } else {
      buffer[at++] = 0xdb;
      at = buffer.writeUInt32BE(bytes, at);
    }
    this.at = at + buffer.write(text, at);
  }

  #writeNumber(number: number): void {
    this.reserve(9);
    this.jsonBytes += 26;
    const { buffer } = this;
    if (number >>> 0 === number) {
      if (number === 0 && Object.is(number, -0)) this.plain = false;
      if (number < 0x40) buffer[this.at++] = number;
      else if (number < 0x100) {
        buffer[this.at++] = 0xcc;
        buffer[this.at++] = number;
      } else if (number < 0x1_0000) {
        buffer[this.at++] = 0xcd;
        this.at = buffer.writeUInt16BE(number, this.at);
      } else {
        buffer[this.at++] = 0xce;
        this.at = buffer.writeUInt32BE(number, this.at);
      }
    } else if ((number | 0) === number) {
      buffer[this.at++] = 0xd2;
      this.at = buffer.writeInt32BE(number, this.at);
    } else {
      if (!Number.isFinite(number)) this.plain = false;
      buffer[this.at++] = 0xcb;
      this.at = buffer.writeDoubleBE(number, this.at);
    }
  }

  #writeByte(byte: number): void {
    this.reserve(1);
    this.jsonBytes += 6;
    this.buffer[this.at++] = byte;
  }
}

/** MessagePack's three sizes of an array's or a map's length. */
function writeLength(buffer: Buffer, start: number, length: number, small: number, medium: number): number {
  let at = start;
  if (length < 16) buffer[at++] = small | length;
  else if (length < 0x1_0000) {
    buffer[at++] = medium;
    at = buffer.writeUInt16BE(length, at);
  } else {
    buffer[at++] = medium + 1;
    at = buffer.writeUInt32BE(length, at);
  }
  return at;
}

export type RecordShape = Shape;
