import { closeSync, constants, fdatasync, fsync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { Checkpoint } from '@livegift/kernel';
import { FoldState } from './fold-state.js';
import { restoreSection } from './state-sections.js';
import { SECTION_KINDS, sectionCount, type SectionKind, type StateSizes } from './state-cut.js';

/** Change it when the layout of the file, or the meaning of anything in it, changes: older files are then left aside. */
const FORMAT = 2;
const MAGIC = 0x4d52474c;
/** Magic u32 | kind u32 | index u32 | bytes u32 | CRC-32 of what is between this and the magic, and of the bytes, u32. */
const SECTION_HEADER_BYTES = 20;
const CRC_AT = 16;
const KIND_HEAD = 0;
const KIND_END = 1;
const KIND_FIRST_SECTION = 2;
const KIND_LAST_EVENT = 99;
const FILE_MODE = 0o600;
const { O_CREAT, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
/** So much may wait to be written by the system; then it is waited for. */
const UNSYNCED_BYTES_MAX = 32 * 1024 * 1024;
const SECTION_BYTES_MAX = 256 * 1024 * 1024;

const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);

/** What a snapshot must agree with, or it is not this read model's. */
export interface SnapshotIdentity {
  readonly storeId: string;
  /** Of the projections that the state was folded by. */
  readonly foldVersion: number;
  readonly utcOffsetMs: number;
  readonly retentionMs: number | null;
}

export interface SnapshotHead {
  readonly identity: string;
  readonly checkpoint: Checkpoint;
  readonly newestRecordedMs: number | null;
  readonly regions: readonly string[];
  readonly sizes: StateSizes;
}

export const identityOf = ({ storeId, foldVersion, utcOffsetMs, retentionMs }: SnapshotIdentity): string =>
  JSON.stringify([FORMAT, endianness(), storeId, foldVersion, utcOffsetMs, retentionMs]);

/** Writes a snapshot beside the file of that name, which it replaces in one step when it is whole and on disk. */
export class SnapshotWriter {
  readonly #beside: string;
  readonly #descriptor: number;
  #unsynced = 0;
  #sections = 0;
  #isOpen = true;

  constructor(
    private readonly file: string,
    head: SnapshotHead,
  ) {
    this.#beside = `${file}.new`;
    this.#descriptor = openSync(this.#beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
    this.#write(KIND_HEAD, 0, [Buffer.from(JSON.stringify(head))]);
  }

  /** Into the system's memory: what is to change next may change at once. */
  write(kind: SectionKind, index: number, parts: readonly Uint8Array[]): void {
    this.#write(KIND_FIRST_SECTION + SECTION_KINDS.indexOf(kind), index, parts);
    this.#sections++;
  }

  get isFull(): boolean {
    return this.#unsynced >= UNSYNCED_BYTES_MAX;
  }

  async drain(): Promise<void> {
    this.#unsynced = 0;
    await syncData(this.#descriptor);
  }

  /** @param lastEventId of the event at the checkpoint: what tells a history from another one that forked from it */
  async finish(lastEventId: string): Promise<void> {
    this.#write(KIND_LAST_EVENT, 0, [Buffer.from(lastEventId)]);
    this.#sections++;
    this.#write(KIND_END, this.#sections, []);
    await syncAll(this.#descriptor);
    this.#close();
    renameSync(this.#beside, this.file);
    const directory = await open(dirname(this.file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  abandon(): void {
    this.#close();
    rmSync(this.#beside, { force: true });
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }

  #write(kind: number, index: number, parts: readonly Uint8Array[]): void {
    const header = Buffer.alloc(SECTION_HEADER_BYTES);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(kind, 4);
    header.writeUInt32LE(index, 8);
    header.writeUInt32LE(bytes, 12);
    header.writeUInt32LE(
      parts.reduce((crc, part) => crc32(part, crc), crc32(header.subarray(4, CRC_AT))),
      CRC_AT,
    );
    for (const part of [header, ...parts]) writeWhole(this.#descriptor, part);
    this.#unsynced += SECTION_HEADER_BYTES + bytes;
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

/** Why a file is no snapshot to begin from; everybody goes on without it. */
export class SnapshotUnusable extends Error {
  override readonly name = 'SnapshotUnusable';
}

export interface StoredState {
  readonly state: FoldState;
  /** Id of the event at its checkpoint. */
  readonly lastEventId: string;
}

/**
 * The state in the file.
 * @throws SnapshotUnusable when it is damaged or another's, ENOENT when there is none
 */
export async function readSnapshot(file: string, identity: SnapshotIdentity): Promise<StoredState> {
  const handle = await open(file, O_RDONLY | O_NOFOLLOW);
  try {
    const sections = await findSections(handle);
    const head = JSON.parse((await readSection(handle, sections, KIND_HEAD, 0)).toString()) as SnapshotHead;
    if (head.identity !== identityOf(identity))
      throw new SnapshotUnusable('it is of another store, version or setting');
    const state = new FoldState(identity.utcOffsetMs);
    state.checkpoint = head.checkpoint;
    state.newestRecordedMs = head.newestRecordedMs;
    state.accounts.restoreRegions(head.regions);
    state.cells.reserve(head.sizes.cells);
    for (const [order, kind] of SECTION_KINDS.entries()) {
      for (let index = 0; index < sectionCount(head.sizes, kind); index++) {
        const bytes = await readSection(handle, sections, KIND_FIRST_SECTION + order, index);
        restoreSection(state, head.sizes, kind, index, bytes);
      }
    }
    const lastEventId = (await readSection(handle, sections, KIND_LAST_EVENT, 0)).toString();
    return { state, lastEventId };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError) {
      throw new SnapshotUnusable(`it cannot be read: ${error.message}`, { cause: error });
    }
    throw error;
  } finally {
    await handle.close();
  }
}

interface Place {
  readonly header: Buffer;
  readonly at: number;
  readonly bytes: number;
}

const placeKey = (kind: number, index: number): string => `${kind} ${index}`;

/** Where the sections stand: they are in the order in which they came to change. */
async function findSections(handle: FileHandle): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  const { size } = await handle.stat();
  for (let at = 0; at < size;) {
    const header = await readWhole(handle, at, SECTION_HEADER_BYTES);
    if (header.readUInt32LE(0) !== MAGIC) throw new SnapshotUnusable(`there is no section at byte ${at}`);
    const [kind, index, bytes] = [header.readUInt32LE(4), header.readUInt32LE(8), header.readUInt32LE(12)];
    at += SECTION_HEADER_BYTES;
    if (kind === KIND_END) {
      const isWhole = places.size - 1 === index && header.readUInt32LE(CRC_AT) === crc32(header.subarray(4, CRC_AT));
      if (isWhole) return places;
      break;
    }
    places.set(placeKey(kind, index), { header, at, bytes });
    at += bytes;
  }
  throw new SnapshotUnusable('its end is missing');
}

async function readSection(
  handle: FileHandle,
  places: ReadonlyMap<string, Place>,
  kind: number,
  index: number,
): Promise<Buffer> {
  const place = places.get(placeKey(kind, index));
  if (place === undefined) throw new SnapshotUnusable(`section ${kind}.${index} is missing`);
  if (place.bytes > SECTION_BYTES_MAX) throw new SnapshotUnusable(`section ${kind}.${index} is too large`);
  const bytes = await readWhole(handle, place.at, place.bytes);
  const crc = crc32(bytes, crc32(place.header.subarray(4, CRC_AT)));
  if (crc !== place.header.readUInt32LE(CRC_AT)) throw new SnapshotUnusable(`section ${kind}.${index} is damaged`);
  return bytes;
}

async function readWhole(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(buffer, at, bytes - at, position + at);
    if (bytesRead === 0) throw new SnapshotUnusable('it ends too early');
    at += bytesRead;
  }
  return buffer;
}
