import { crc32 } from 'node:zlib';

/**
 * Where some neighbouring revisions of one stream stand: runs of neighbouring positions, as first position and length,
 * alternating. A wallet that gives in batches has few of them.
 */
export interface StreamRuns {
  readonly firstRevision: number;
  count: number;
  readonly runs: number[];
}

const FIXED_BYTES = 12;
const VARINT_BASE = 128;

export function appendToRuns(entry: StreamRuns, sequence: number): void {
  const { runs } = entry;
  const last = runs.length - 2;
  const end = last < 0 ? -1 : runs[last]! + runs[last + 1]!;
  if (end === sequence) runs[last + 1]!++;
  else runs.push(sequence, 1);
  entry.count++;
}

/** Adds the positions of revisions `from` to `to`, as far as the entry has them, to `into`. */
export function positionsInRuns(entry: StreamRuns, from: number, to: number, into: number[]): void {
  const { runs } = entry;
  let revision = entry.firstRevision;
  for (let i = 0; i < runs.length && revision <= to; i += 2) {
    const length = runs[i + 1]!;
    const start = Math.max(from - revision, 0);
    const end = Math.min(to - revision + 1, length);
    for (let offset = start; offset < end; offset++) into.push(runs[i]! + offset);
    revision += length;
  }
}

/** Revision (u48, big-endian) after the length and the bytes of the name: no name is another's prefix. */
export function streamKey(name: string, revision: number): Buffer {
  const bytes = Buffer.byteLength(name);
  const key = Buffer.allocUnsafe(bytes + 8);
  key.writeUInt16BE(bytes, 0);
  key.write(name, 2);
  key.writeUIntBE(revision, bytes + 2, 6);
  return key;
}

export function revisionOfKey(key: Buffer): number {
  return Buffer.from(key.buffer, key.byteOffset, key.length).readUIntBE(key.length - 6, 6);
}

/** CRC-32 of key and rest | count u32 | bytes of the runs u32 | runs as varints: gap to the end of the one before, length. */
export function encodeRuns(key: Buffer, entry: StreamRuns): Buffer {
  const { runs } = entry;
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + runs.length * 8);
  let at = FIXED_BYTES;
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    at = writeVarint(bytes, at, runs[i]! - end);
    at = writeVarint(bytes, at, runs[i + 1]!);
    end = runs[i]! + runs[i + 1]!;
  }
  bytes.writeUInt32LE(entry.count, 4);
  bytes.writeUInt32LE(runs.length, 8);
  const value = bytes.subarray(0, at);
  value.writeUInt32LE(crc32(value.subarray(4), crc32(key)), 0);
  return value;
}

/** Null when the bytes are not what was written under that key. */
export function decodeRuns(key: Buffer, value: Buffer): StreamRuns | null {
  if (value.length < FIXED_BYTES || value.readUInt32LE(0) !== crc32(value.subarray(4), crc32(key))) return null;
  const runs: number[] = [];
  const cursor = { at: FIXED_BYTES };
  let end = 0;
  for (let i = value.readUInt32LE(8); i > 0; i -= 2) {
    const first = end + readVarint(value, cursor);
    const length = readVarint(value, cursor);
    runs.push(first, length);
    end = first + length;
  }
  return { firstRevision: revisionOfKey(key), count: value.readUInt32LE(4), runs };
}

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let rest = number;
  while (rest >= VARINT_BASE) {
    bytes[at++] = (rest % VARINT_BASE) + VARINT_BASE;
    rest = Math.floor(rest / VARINT_BASE);
  }
  bytes[at++] = rest;
  return at;
}

function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let number = 0;
  for (let scale = 1; ; scale *= VARINT_BASE) {
    const byte = bytes[cursor.at++]!;
    if (byte < VARINT_BASE) return number + byte * scale;
    number += (byte - VARINT_BASE) * scale;
  }
}
