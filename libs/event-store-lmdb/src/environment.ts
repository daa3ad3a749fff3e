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

const ANY_KEY = Buffer.from('store');
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
  try {
    return withDatabases(root);
  } catch (error) {
    forgetFailedRead(root);
    void root.close();
    throw error;
  }
}

function withDatabases(root: RootDatabase<Buffer, Buffer>): Environment {
  const database = (name: string): Database<Buffer, Buffer> => {
    // A reader that is earlier than the writer's first commit finds none.
    const opened = root.openDB<Buffer, Buffer>({ ...BYTES, name }) as Database<Buffer, Buffer> | undefined;
    if (opened === undefined) throw new Error(`there is no event store yet (no ${name})`);
    return opened;
  };
  const environment = {
    root,
    blocks: database('blocks'),
    streams: database('streams'),
    snapshots: database('snapshots'),
    checkpoints: database('checkpoints'),
    meta: database('meta'),
  };
  assertReads(environment);
  return environment;
}

/**
 * LMDB tells readers apart by their pids, with a lock on each. Of two processes with one pid in two PID namespaces the
 * second cannot read; lmdb then tries for ten seconds and fails with an error that says nothing.
 */
function assertReads({ meta }: Environment): void {
  try {
    meta.getBinaryFast(ANY_KEY);
  } catch (cause) {
    const pid = `pid ${process.pid}, like this one`;
    throw new Error(`it cannot be read; perhaps a process in another PID namespace reads it with ${pid}`, { cause });
  }
}

/** After such a failure the timer that ends lmdb's read transactions would throw. */
function forgetFailedRead(root: RootDatabase<Buffer, Buffer>): void {
  try {
    root.resetReadTxn();
  } catch {
    // It has forgotten it now.
  }
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
