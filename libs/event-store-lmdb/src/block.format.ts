import { crc32 } from 'node:zlib';
import type { RecordedEvent } from '@livegift/kernel';
import { SHAPES_MAX } from './record.encoder.js';

/**
 * A block holds events with neighbouring positions, and all that is needed to read them:
 * header | the events, one MessagePack value each | dictionary of record shapes (JSON) | end of each event (u32, counted
 * from the first event's start). Header, little-endian: magic u32, format u8, kind u8, zero u16, first position u64,
 * count u32, bytes of the dictionary u32, bytes of the block u32, CRC-32 of everything before and after itself u32.
 */
export const HEADER_BYTES = 32;
export const CRC_AT = 28;
export const MAGIC = 0x3142474c;
export const FORMAT = 1;
/** Events as maps with their own keys: for few events, where a dictionary would cost more than it saves. */
export const KIND_MAPS = 0;
/** Events as records whose shapes stand in the block's dictionary. */
export const KIND_RECORDS = 1;
/** Small enough that reading one event of a block costs little, large enough that blocks are few. */
export const BLOCK_EVENTS_MAX = 128;
export const BLOCK_BYTES_MAX = 65_536;

const TWO_32 = 2 ** 32;

/** An event on its way into the log; its position is filled in when it has been encoded. */
export type Recording = { -readonly [Field in keyof RecordedEvent]: RecordedEvent[Field] };

export const RECORD_OPTIONS = {
  useRecords: true,
  mapsAsObjects: true,
  maxSharedStructures: SHAPES_MAX,
  maxOwnStructures: 32,
};

export interface BlockHeader {
  readonly kind: number;
  readonly first: number;
  readonly count: number;
  readonly dictionaryBytes: number;
}

export function writeHeader(block: Buffer, header: BlockHeader): void {
  block.writeUInt32LE(MAGIC, 0);
  block.writeUInt32LE(FORMAT | (header.kind << 8), 4);
  block.writeUInt32LE(header.first % TWO_32, 8);
  block.writeUInt32LE(Math.floor(header.first / TWO_32), 12);
  block.writeUInt32LE(header.count, 16);
  block.writeUInt32LE(header.dictionaryBytes, 20);
  block.writeUInt32LE(block.length, 24);
  block.writeUInt32LE(checksum(block), CRC_AT);
}

/** The header of a block that is whole, or what is wrong with it. */
export function readHeader(block: Buffer): BlockHeader | string {
  if (block.length < HEADER_BYTES || block.readUInt32LE(0) !== MAGIC) return 'it does not begin as a block';
  const format = block.readUInt32LE(4);
  if ((format & 0xff) !== FORMAT) return `its format is ${format & 0xff}, not ${FORMAT}`;
  if (block.readUInt32LE(24) !== block.length) return 'its length is wrong';
  if (block.readUInt32LE(CRC_AT) !== checksum(block)) return 'its checksum is wrong';
  return {
    kind: (format >> 8) & 0xff,
    first: block.readUInt32LE(8) + block.readUInt32LE(12) * TWO_32,
    count: block.readUInt32LE(16),
    dictionaryBytes: block.readUInt32LE(20),
  };
}

function checksum(block: Buffer): number {
  return crc32(block.subarray(HEADER_BYTES), crc32(block.subarray(0, CRC_AT)));
}
