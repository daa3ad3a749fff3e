import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EventStoreError } from '@livegift/event-store';

/**
 * LMDB maps its file and trusts it: behind the end of a truncated file the process dies (SIGBUS), a page of zeros reads
 * as an empty one. So before it is mapped the trees are walked here with plain reads: each page must be inside the file
 * and be what its parent takes it for, and each node inside its page. Values in overflow pages (the blocks) carry
 * checksums of their own. Layout: liblmdb/mdb.c of lmdb 3.5 (MDB_meta, MDB_page_header, MDB_node).
 */
const META_PAGES = 2;
const PAGE_HEADER_BYTES = 24;
const PAGE_BYTES_MIN = 4_096;
const PAGE_BYTES_MAX = 65_536;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const FLAG_META = 0x08;
const FLAG_BRANCH = 0x01;
const FLAG_LEAF = 0x02;
const NODE_HEADER_BYTES = 8;
const NODE_BIG = 0x01;
const NODE_SUB_TREE = 0x02;
const META_AT = PAGE_HEADER_BYTES;
const MAP_BYTES_AT = META_AT + 16;
const FREE_TREE_AT = META_AT + 24;
const MAIN_TREE_AT = FREE_TREE_AT + 48;
const TREE_ROOT_AT = 40;
const LAST_PAGE_AT = MAIN_TREE_AT + 48;
const TXN_AT = LAST_PAGE_AT + 8;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const READ_PAGES_MAX = 256;

interface DataFile {
  readonly path: string;
  readonly descriptor: number;
  readonly pageBytes: number;
  readonly pages: number;
}

/** `whole`: walk the trees in any case, not only when the file is shorter than LMDB's own count. @throws EventStoreError `damaged` */
export function checkDataFile(path: string, whole: boolean): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new EventStoreError('unavailable', `${path}: ${(error as Error).message}`, undefined, { cause: error });
  }
  try {
    const { size } = fstatSync(descriptor);
    const meta = newestMeta(path, descriptor, size);
    const pageBytes = meta.readUInt32LE(FREE_TREE_AT);
    const lastPage = Number(meta.readBigUInt64LE(LAST_PAGE_AT));
    if (lastPage * pageBytes > Number(meta.readBigUInt64LE(MAP_BYTES_AT)))
      throw damaged(path, 0, 'its last page is not possible');
    const pages = Math.floor(size / pageBytes);
    // Pages at the end may have been freed before they were ever written: shorter is only wrong if something is missing.
    if (!whole && lastPage < pages) return;
    const file = { path, descriptor, pageBytes, pages: Math.min(pages, lastPage + 1) };
    for (const tree of [FREE_TREE_AT, MAIN_TREE_AT]) checkTree(file, meta.readBigUInt64LE(tree + TREE_ROOT_AT));
  } finally {
    closeSync(descriptor);
  }
}

function newestMeta(path: string, descriptor: number, size: number): Buffer {
  const metas: Buffer[] = [];
  for (let page = 0; page < META_PAGES; page++) {
    const pageBytes = metas[0]?.readUInt32LE(FREE_TREE_AT) ?? PAGE_BYTES_MIN;
    const meta = Buffer.alloc(PAGE_BYTES_MIN);
    const read = readSync(descriptor, meta, 0, meta.length, page * pageBytes);
    const bytes = read === meta.length ? meta.readUInt32LE(FREE_TREE_AT) : 0;
    const known = meta.readUInt32LE(META_AT) === MAGIC && meta.readUInt32LE(META_AT + 4) === DATA_VERSION;
    const isMeta = meta.readBigUInt64LE(0) === BigInt(page) && meta.readUInt16LE(18) === FLAG_META;
    const sane = bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && bytes % PAGE_BYTES_MIN === 0;
    if (!known || !isMeta || !sane || (page > 0 && bytes !== pageBytes)) {
      throw damaged(path, page, size < (page + 1) * pageBytes ? 'the file ends before it' : 'it is no meta page');
    }
    metas.push(meta);
  }
  // Transactions write the two in turn; otherwise the newest commits would silently be missing.
  const [even, odd] = metas.map((meta) => meta.readBigUInt64LE(TXN_AT)) as [bigint, bigint];
  const inTurn = even % 2n === 0n && odd % 2n === 1n && (even === odd + 1n || odd === even + 1n);
  if (!inTurn && !(even === 0n && odd === 0n)) throw damaged(path, 0, `meta pages of transactions ${even} and ${odd}`);
  return even > odd ? metas[0]! : metas[1]!;
}

/** Level by level, pages in the order of the file. */
function checkTree(file: DataFile, root: bigint): void {
  let level = root === NO_PAGE ? [] : [Number(root)];
  while (level.length > 0) {
    const below: number[] = [];
    for (const { page, bytes } of readPages(file, level)) checkPage(file, page, bytes, below);
    level = below.sort((a, b) => a - b);
  }
}

function checkPage(file: DataFile, page: number, bytes: Buffer, below: number[]): void {
  const flags = bytes.readUInt16LE(18);
  const lower = bytes.readUInt16LE(20);
  const upper = bytes.readUInt16LE(22);
  const isBranch = (flags & FLAG_BRANCH) !== 0;
  const inner = file.pageBytes - PAGE_HEADER_BYTES;
  if (
    Number(bytes.readBigUInt64LE(0)) !== page ||
    isBranch === ((flags & FLAG_LEAF) !== 0) ||
    lower > upper ||
    upper > inner
  ) {
    throw damaged(file.path, page, 'it is not the page of the tree that it should be');
  }
  for (let at = PAGE_HEADER_BYTES; at < PAGE_HEADER_BYTES + lower; at += 2) {
    const node = PAGE_HEADER_BYTES + bytes.readUInt16LE(at);
    if (node + NODE_HEADER_BYTES > file.pageBytes) throw damaged(file.path, page, 'a node lies outside it');
    const keyEnd = node + NODE_HEADER_BYTES + bytes.readUInt16LE(node + 6);
    if (keyEnd > file.pageBytes) throw damaged(file.path, page, 'a key lies outside it');
    if (isBranch) below.push(bytes.readUInt32LE(node) + bytes.readUInt16LE(node + 4) * 2 ** 32);
    else checkLeafNode(file, page, bytes, node, keyEnd, below);
  }
}

function checkLeafNode(
  file: DataFile,
  page: number,
  bytes: Buffer,
  node: number,
  keyEnd: number,
  below: number[],
): void {
  const valueBytes = bytes.readUInt32LE(node);
  const nodeFlags = bytes.readUInt16LE(node + 4);
  const isBig = (nodeFlags & NODE_BIG) !== 0;
  if (keyEnd + (isBig ? 8 : valueBytes) > file.pageBytes) throw damaged(file.path, page, 'a value lies outside it');
  if (isBig) {
    const first = Number(bytes.readBigUInt64LE(keyEnd));
    const end = first + Math.ceil((PAGE_HEADER_BYTES + valueBytes) / file.pageBytes);
    if (first < META_PAGES || end > file.pages) throw damaged(file.path, end - 1, 'the file ends before it');
  } else if ((nodeFlags & NODE_SUB_TREE) !== 0) {
    const root = bytes.readBigUInt64LE(keyEnd + TREE_ROOT_AT);
    if (root !== NO_PAGE) below.push(Number(root));
  }
}

/** Neighbouring pages in one read. The bytes are valid until the next page is asked for. */
function* readPages(file: DataFile, pages: readonly number[]): Generator<{ page: number; bytes: Buffer }> {
  const { pageBytes } = file;
  const buffer = Buffer.allocUnsafe(READ_PAGES_MAX * pageBytes);
  for (let i = 0; i < pages.length;) {
    const first = pages[i]!;
    let run = 1;
    while (run < READ_PAGES_MAX && pages[i + run] === first + run) run++;
    if (first < META_PAGES || first + run > file.pages)
      throw damaged(file.path, first + run - 1, 'the file ends before it');
    readSync(file.descriptor, buffer, 0, run * pageBytes, first * pageBytes);
    for (let at = 0; at < run; at++) {
      yield { page: first + at, bytes: buffer.subarray(at * pageBytes, (at + 1) * pageBytes) };
    }
    i += run;
  }
}

function damaged(path: string, page: number, what: string): EventStoreError {
  return new EventStoreError('damaged', `${path}: page ${page}: ${what}`);
}
