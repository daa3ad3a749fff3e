import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:fs';
import { EventStoreError } from '@livegift/event-store';

/** Layout of LMDB's file: liblmdb/mdb.c of lmdb 3.5 (MDB_meta, MDB_db, MDB_page_header, MDB_node, MDB_ovpage). */
export const META_PAGES = 2;
export const PAGE_HEADER_BYTES = 24;
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const PAGE_BYTES_MIN = 4_096;
const PAGE_BYTES_MAX = 65_536;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const FLAG_META = 0x08;
const META_AT = PAGE_HEADER_BYTES;
const MAP_BYTES_AT = META_AT + 16;
const FREE_TREE_AT = META_AT + 24;
const TREE_BYTES = 48;
const MAIN_TREE_AT = FREE_TREE_AT + TREE_BYTES;
const LAST_PAGE_AT = MAIN_TREE_AT + TREE_BYTES;
const TXN_AT = LAST_PAGE_AT + 8;
const READ_PAGES_MAX = 256;
/** Beside a writer the meta pages may change between the reading of the one and of the other. */
const META_READS_MAX = 16;

/** What LMDB says of one of its trees. */
export interface TreeRecord {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: bigint;
}

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly txn: number;
  readonly free: TreeRecord;
  readonly main: TreeRecord;
}

/** LMDB's file, read with plain reads; its state is that of the newest transaction when it was opened. */
export class DataFile {
  private constructor(
    readonly path: string,
    private readonly descriptor: number,
    readonly meta: Meta,
    /** Pages that are both in the file and in use. */
    readonly pages: number,
  ) {}

  /** Null when there is no such file. @throws EventStoreError `damaged`, `unavailable` */
  static open(path: string): DataFile | null {
    let descriptor: number;
    try {
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new EventStoreError('unavailable', `${path}: ${(error as Error).message}`, undefined, { cause: error });
    }
    try {
      const meta = readMeta(path, descriptor);
      const pages = Math.floor(fstatSync(descriptor).size / meta.pageBytes);
      return new DataFile(path, descriptor, meta, Math.min(pages, meta.lastPage + 1));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** Neighbouring pages of a rising list in one read. The bytes are valid until the next page is asked for. */
  *read<Entry extends { readonly page: number }>(entries: readonly Entry[]): Generator<readonly [Entry, Buffer]> {
    const { pageBytes } = this.meta;
    const buffer = Buffer.allocUnsafe(READ_PAGES_MAX * pageBytes);
    for (let i = 0; i < entries.length;) {
      const first = entries[i]!.page;
      let run = 1;
      while (run < READ_PAGES_MAX && entries[i + run]?.page === first + run) run++;
      this.#assertInside(first, run);
      readSync(this.descriptor, buffer, 0, run * pageBytes, first * pageBytes);
      for (let at = 0; at < run; at++) {
        yield [entries[i + at]!, buffer.subarray(at * pageBytes, (at + 1) * pageBytes)];
      }
      i += run;
    }
  }

  /** The bytes of `count` neighbouring pages. */
  readRange(first: number, count: number): Buffer {
    this.#assertInside(first, count);
    const bytes = Buffer.alloc(count * this.meta.pageBytes);
    readSync(this.descriptor, bytes, 0, bytes.length, first * this.meta.pageBytes);
    return bytes;
  }

  damaged(page: number, what: string): EventStoreError {
    return damaged(this.path, page, what);
  }

  #assertInside(first: number, count: number): void {
    if (first < META_PAGES || first + count > this.pages) {
      throw this.damaged(first + count - 1, 'the file ends before it');
    }
  }
}

export function readTreeRecord(bytes: Buffer, at: number): TreeRecord {
  const number = (offset: number): number => Number(bytes.readBigUInt64LE(at + offset));
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branchPages: number(8),
    leafPages: number(16),
    overflowPages: number(24),
    entries: number(32),
    root: bytes.readBigUInt64LE(at + 40),
  };
}

/** Of the newest transaction. @throws EventStoreError `damaged` */
export function readMeta(path: string, descriptor: number): Meta {
  for (let attempt = 1; ; attempt++) {
    try {
      return newestMeta(path, descriptor);
    } catch (error) {
      if (attempt === META_READS_MAX) throw error;
    }
  }
}

function newestMeta(path: string, descriptor: number): Meta {
  const metas: Buffer[] = [];
  for (let page = 0; page < META_PAGES; page++) metas.push(metaPage(path, descriptor, page, metas[0]));
  // Transactions write the two in turn; otherwise the newest commits would silently be missing.
  const [even, odd] = metas.map((meta) => meta.readBigUInt64LE(TXN_AT)) as [bigint, bigint];
  const inTurn = even % 2n === 0n && odd % 2n === 1n && (even === odd + 1n || odd === even + 1n);
  if (!inTurn && !(even === 0n && odd === 0n)) throw damaged(path, 0, `meta pages of transactions ${even} and ${odd}`);
  const meta = even > odd ? metas[0]! : metas[1]!;
  const pageBytes = meta.readUInt32LE(FREE_TREE_AT);
  const lastPage = Number(meta.readBigUInt64LE(LAST_PAGE_AT));
  if (lastPage * pageBytes > Number(meta.readBigUInt64LE(MAP_BYTES_AT))) {
    throw damaged(path, 0, 'its last page is not possible');
  }
  const txn = Number(even > odd ? even : odd);
  const [free, main] = [readTreeRecord(meta, FREE_TREE_AT), readTreeRecord(meta, MAIN_TREE_AT)];
  return { pageBytes, lastPage, txn, free, main };
}

function metaPage(path: string, descriptor: number, page: number, first: Buffer | undefined): Buffer {
  const pageBytes = first?.readUInt32LE(FREE_TREE_AT) ?? PAGE_BYTES_MIN;
  const meta = Buffer.alloc(PAGE_BYTES_MIN);
  const read = readSync(descriptor, meta, 0, meta.length, page * pageBytes);
  if (read < meta.length) throw damaged(path, page, 'the file ends before it');
  const bytes = meta.readUInt32LE(FREE_TREE_AT);
  const known = meta.readUInt32LE(META_AT) === MAGIC && meta.readUInt32LE(META_AT + 4) === DATA_VERSION;
  const isMeta = meta.readBigUInt64LE(0) === BigInt(page) && meta.readUInt16LE(18) === FLAG_META;
  const sane = bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && bytes % PAGE_BYTES_MIN === 0;
  if (!known || !isMeta || !sane || (first !== undefined && bytes !== pageBytes)) {
    throw damaged(path, page, 'it is no meta page');
  }
  return meta;
}

const WHAT_TO_DO =
  'the file is damaged or was copied while an engine was writing to it; restore a backup (livegift backup makes them)';

function damaged(path: string, page: number, what: string): EventStoreError {
  return new EventStoreError('damaged', `${path}: page ${page}: ${what}: ${WHAT_TO_DO}`);
}
