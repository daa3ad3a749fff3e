import { open, type Database, type RootDatabase } from 'lmdb';

/** One LMDB environment with its sub-databases; every key and value is bytes. */
export interface Environment {
  readonly root: RootDatabase<Buffer, Buffer>;
  /** First position of the block (u64, big-endian) -> block. */
  readonly blocks: Database<Buffer, Buffer>;
  /** Stream and revision -> positions; see stream-index.ts. */
  readonly streams: Database<Buffer, Buffer>;
  readonly snapshots: Database<Buffer, Buffer>;
  readonly checkpoints: Database<Buffer, Buffer>;
  readonly meta: Database<Buffer, Buffer>;
}

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;
/** Address space only; LMDB enlarges it when the file outgrows it. */
const MAP_BYTES = 256 * 1024 * 1024;

export function openEnvironment(directory: string, readOnly: boolean): Environment {
  const root = open<Buffer, Buffer>({
    ...BYTES,
    path: directory,
    readOnly,
    mapSize: MAP_BYTES,
    maxDbs: 8,
    noSubdir: false,
    // With overlapping syncs a commit would be readable, and its promise kept, before it is on disk.
    overlappingSync: false,
    eventTurnBatching: false,
    compression: false,
    noMemInit: true,
  });
  const database = (name: string): Database<Buffer, Buffer> => {
    // A reader that is earlier than the writer's first commit finds none.
    const opened = root.openDB<Buffer, Buffer>({ ...BYTES, name }) as Database<Buffer, Buffer> | undefined;
    if (opened === undefined) throw new Error(`there is no event store yet (no ${name})`);
    return opened;
  };
  return {
    root,
    blocks: database('blocks'),
    streams: database('streams'),
    snapshots: database('snapshots'),
    checkpoints: database('checkpoints'),
    meta: database('meta'),
  };
}

/** A copy of a value that stays valid; LMDB's own buffer is overwritten by the next read. */
export function getCopy(database: Database<Buffer, Buffer>, key: Buffer): Buffer | undefined {
  const fast = database.getBinaryFast(key);
  if (fast === undefined) return undefined;
  const copy = Buffer.allocUnsafeSlow(fast.length);
  copy.set(fast.subarray(0, fast.length));
  return copy;
}

/** The last entry whose key is not greater than `key`. */
export function floorEntry(
  database: Database<Buffer, Buffer>,
  key: Buffer,
): { key: Buffer; value: Buffer } | undefined {
  for (const entry of database.getRange({ start: key, reverse: true, limit: 1 })) return entry;
  return undefined;
}

export function sequenceKey(sequence: number): Buffer {
  const key = Buffer.allocUnsafeSlow(8);
  key.writeBigUInt64BE(BigInt(sequence));
  return key;
}
