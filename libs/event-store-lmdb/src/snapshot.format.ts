import { crc32 } from 'node:zlib';
import type { Snapshot } from '@livegift/event-store';
import { positionOf, sequenceOf } from './sequence.js';

/** CRC-32 of the name and the rest u32 | format u32 | state version f64 | revision f64 | position f64 | bytes. */
const HEADER_BYTES = 32;
const FORMAT = 1;

export function encodeSnapshot(name: Buffer, snapshot: Snapshot): Buffer {
  const value = Buffer.allocUnsafe(HEADER_BYTES + snapshot.bytes.length);
  value.writeUInt32LE(FORMAT, 4);
  value.writeDoubleLE(snapshot.stateVersion, 8);
  value.writeDoubleLE(snapshot.revision, 16);
  value.writeDoubleLE(sequenceOf(snapshot.position), 24);
  value.set(snapshot.bytes, HEADER_BYTES);
  value.writeUInt32LE(crc32(value.subarray(4), crc32(name)), 0);
  return value;
}

/** Null when the bytes are not what was saved under that name. */
export function decodeSnapshot(name: Buffer, value: Buffer): Snapshot | null {
  if (value.length < HEADER_BYTES || value.readUInt32LE(0) !== crc32(value.subarray(4), crc32(name))) return null;
  if (value.readUInt32LE(4) !== FORMAT) return null;
  return {
    stateVersion: value.readDoubleLE(8),
    revision: value.readDoubleLE(16),
    position: positionOf(value.readDoubleLE(24)),
    bytes: value.subarray(HEADER_BYTES),
  };
}
