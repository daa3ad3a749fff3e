import { DataFile, META_PAGES, NO_PAGE, PAGE_HEADER_BYTES, readTreeRecord, type TreeRecord } from './data-file.js';

/**
 * LMDB maps its file and trusts it: behind the end of a truncated file the process dies (SIGBUS), a page of zeros reads
 * as an empty one, and a page of another transaction (a copy made while an engine wrote) leads anywhere. So before the
 * file is mapped its trees are walked here with plain reads: each page is inside the file, is used once, is not newer
 * than what refers to it, has the keys that its parent expects, and each tree has as many pages and entries as its
 * record says; no page in use is listed as free. Values in overflow pages (the blocks) carry checksums of their own.
 */
const FLAG_BRANCH = 0x01;
const FLAG_LEAF = 0x02;
const FLAGS_OF_KIND = 0x0f;
const NODE_HEADER_BYTES = 8;
const NODE_BIG = 0x01;
const NODE_SUB_TREE = 0x02;
const TREE_RECORD_BYTES = 48;
const PAGE_NUMBER_BYTES = 8;

/** A page to look at, and what its parent says of it. */
interface Reference {
  readonly page: number;
  /** No transaction after this one wrote the page. */
  readonly txn: number;
  /** Its keys lie in `[low, high)`; null: no bound. */
  readonly low: Buffer | null;
  readonly high: Buffer | null;
}

interface Counted {
  branchPages: number;
  leafPages: number;
  overflowPages: number;
  entries: number;
}

interface Leaf {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly isSubTree: boolean;
  readonly txn: number;
}

/** `whole`: walk the trees in any case, not only when the file is shorter than LMDB's own count. @throws EventStoreError `damaged` */
export function checkDataFile(path: string, whole: boolean): void {
  const file = DataFile.open(path);
  if (file === null) return;
  try {
    // Pages at the end may have been freed before they were ever written: shorter is only wrong if something is missing.
    if (whole || file.pages <= file.meta.lastPage) new TreeWalk(file).run();
  } finally {
    file.close();
  }
}

class TreeWalk {
  /** One bit for each page. */
  readonly #used: Uint8Array;

  constructor(private readonly file: DataFile) {
    this.#used = new Uint8Array((file.meta.lastPage >> 3) + 1);
  }

  run(): void {
    const { free, main, txn } = this.file.meta;
    const freed: Buffer[] = [];
    const subTrees: { readonly record: TreeRecord; readonly txn: number }[] = [];
    this.#tree(free, txn, true, ({ value }) => freed.push(Buffer.from(value)));
    this.#tree(main, txn, true, ({ value, isSubTree, txn: newest }) => {
      if (isSubTree) subTrees.push({ record: readTreeRecord(value, 0), txn: newest });
    });
    for (const { record, txn: newest } of subTrees) this.#tree(record, newest, false, () => {});
    for (const list of freed) this.#freePages(list);
  }

  /** Level by level, pages in the order of the file. */
  #tree(record: TreeRecord, txn: number, wantsValues: boolean, onLeaf: (leaf: Leaf) => void): void {
    const counted: Counted = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
    let level: Reference[] = record.root === NO_PAGE ? [] : [{ page: Number(record.root), txn, low: null, high: null }];
    let depth = 0;
    for (; level.length > 0; depth++) {
      const below: Reference[] = [];
      const isLast = depth === record.depth - 1;
      for (const [reference, bytes] of this.file.read(level)) {
        this.#use(reference.page, 1);
        const txnOfPage = this.#assertPage(reference, bytes, isLast);
        if (record.flags === 0) this.#assertKeys(reference, bytes);
        if (!isLast) this.#branch(reference, bytes, txnOfPage, below);
        else this.#leaf(reference.page, bytes, txnOfPage, counted, wantsValues ? onLeaf : null);
      }
      if (isLast) counted.leafPages += level.length;
      else counted.branchPages += level.length;
      level = below.sort((a, b) => a.page - b.page);
    }
    const isAsRecorded =
      depth === record.depth &&
      counted.branchPages === record.branchPages &&
      counted.leafPages === record.leafPages &&
      counted.overflowPages === record.overflowPages &&
      counted.entries === record.entries;
    if (!isAsRecorded) throw this.file.damaged(Number(record.root), 'the tree below it is not as large as recorded');
  }

  #assertPage({ page, txn }: Reference, bytes: Buffer, isLast: boolean): number {
    const lower = bytes.readUInt16LE(20);
    const upper = bytes.readUInt16LE(22);
    const kind = bytes.readUInt16LE(18) & FLAGS_OF_KIND;
    const isItself = Number(bytes.readBigUInt64LE(0)) === page && kind === (isLast ? FLAG_LEAF : FLAG_BRANCH);
    if (!isItself || lower === 0 || lower % 2 !== 0 || lower > upper || upper > bytes.length - PAGE_HEADER_BYTES) {
      throw this.file.damaged(page, 'it is not the page of the tree that it should be');
    }
    const txnOfPage = Number(bytes.readBigUInt64LE(8));
    if (txnOfPage > txn) throw this.file.damaged(page, `transaction ${txnOfPage} wrote it, after transaction ${txn}`);
    for (let at = PAGE_HEADER_BYTES; at < PAGE_HEADER_BYTES + lower; at += 2) {
      const node = PAGE_HEADER_BYTES + bytes.readUInt16LE(at);
      if (node + NODE_HEADER_BYTES > bytes.length) throw this.file.damaged(page, 'a node lies outside it');
      if (keyEnd(bytes, node) > bytes.length) throw this.file.damaged(page, 'a key lies outside it');
    }
    return txnOfPage;
  }

  /** The first and the last: pages that are out of place show in them. */
  #assertKeys({ page, low, high }: Reference, bytes: Buffer): void {
    const lower = bytes.readUInt16LE(20);
    const isBranch = (bytes.readUInt16LE(18) & FLAG_BRANCH) !== 0;
    const first = isBranch ? 1 : 0;
    if (lower / 2 <= first) return;
    const least = keyAt(bytes, first);
    const greatest = keyAt(bytes, lower / 2 - 1);
    const inBounds = (low === null || low.compare(least) <= 0) && (high === null || high.compare(greatest) > 0);
    if (!inBounds || least.compare(greatest) > 0) throw this.file.damaged(page, 'it has keys of another page');
  }

  #branch({ low, high }: Reference, bytes: Buffer, txn: number, below: Reference[]): void {
    const count = bytes.readUInt16LE(20) / 2;
    let from = low;
    for (let i = 0; i < count; i++) {
      const node = nodeAt(bytes, i);
      const page = bytes.readUInt32LE(node) + bytes.readUInt16LE(node + 4) * 2 ** 32;
      const to = i + 1 < count ? Buffer.from(keyAt(bytes, i + 1)) : high;
      below.push({ page, txn, low: from, high: to });
      from = to;
    }
  }

  #leaf(page: number, bytes: Buffer, txn: number, counted: Counted, onLeaf: ((leaf: Leaf) => void) | null): void {
    const count = bytes.readUInt16LE(20) / 2;
    counted.entries += count;
    for (let i = 0; i < count; i++) {
      const node = nodeAt(bytes, i);
      const valueAt = keyEnd(bytes, node);
      const valueBytes = bytes.readUInt32LE(node);
      const flags = bytes.readUInt16LE(node + 4);
      const isBig = (flags & NODE_BIG) !== 0;
      const isSubTree = (flags & NODE_SUB_TREE) !== 0;
      const end = valueAt + (isBig ? 3 * PAGE_NUMBER_BYTES : isSubTree ? TREE_RECORD_BYTES : valueBytes);
      if (end > bytes.length) throw this.file.damaged(page, 'a value lies outside it');
      if (isBig) counted.overflowPages += this.#overflow(page, bytes, valueAt, valueBytes, txn);
      if (onLeaf === null) continue;
      const value = isBig ? this.#bigValue(bytes, valueAt, valueBytes) : bytes.subarray(valueAt, end);
      onLeaf({ key: keyAt(bytes, i), value, isSubTree, txn });
    }
  }

  /** @returns how many pages the value takes */
  #overflow(page: number, bytes: Buffer, at: number, valueBytes: number, txn: number): number {
    const first = Number(bytes.readBigUInt64LE(at));
    const txnOfValue = Number(bytes.readBigUInt64LE(at + PAGE_NUMBER_BYTES));
    const pages = Number(bytes.readBigUInt64LE(at + 2 * PAGE_NUMBER_BYTES));
    const needed = Math.ceil((PAGE_HEADER_BYTES + valueBytes) / this.file.meta.pageBytes);
    if (pages !== needed || txnOfValue > txn) throw this.file.damaged(page, 'a value of it is not where it says');
    if (first < META_PAGES || first + pages > this.file.pages) {
      throw this.file.damaged(first + pages - 1, 'the file ends before it');
    }
    this.#use(first, pages);
    return pages;
  }

  #bigValue(bytes: Buffer, at: number, valueBytes: number): Buffer {
    const first = Number(bytes.readBigUInt64LE(at));
    const pages = Number(bytes.readBigUInt64LE(at + 2 * PAGE_NUMBER_BYTES));
    const range = this.file.readRange(first, pages);
    if (Number(range.readBigUInt64LE(0)) !== first || range.readBigUInt64LE(8) !== bytes.readBigUInt64LE(at + 8)) {
      throw this.file.damaged(first, 'it is not the page of the tree that it should be');
    }
    return range.subarray(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + valueBytes);
  }

  /** A list of pages: their number, then each page; before the first page of a run minus its length, and zeros between. */
  #freePages(list: Buffer): void {
    const words = list.length / PAGE_NUMBER_BYTES;
    const count = words >= 1 ? Number(list.readBigUInt64LE(0)) : 0;
    const page = Number(this.file.meta.free.root);
    if (count > words - 1) throw this.file.damaged(page, 'its list of free pages is cut off');
    for (let i = 1; i <= count; i++) {
      let length = 1;
      let first = Number(list.readBigInt64LE(i * PAGE_NUMBER_BYTES));
      if (first === 0) continue;
      if (first < 0) {
        length = -first;
        first = ++i <= count ? Number(list.readBigInt64LE(i * PAGE_NUMBER_BYTES)) : 0;
      }
      if (first < META_PAGES || first + length > this.file.meta.lastPage + 1) {
        throw this.file.damaged(page, 'its list of free pages leads outside the file');
      }
      this.#use(first, length);
    }
  }

  #use(first: number, count: number): void {
    const used = this.#used;
    for (let page = first; page < first + count; page++) {
      const bit = 1 << (page & 7);
      if ((used[page >> 3]! & bit) !== 0) throw this.file.damaged(page, 'it is used twice');
      used[page >> 3]! |= bit;
    }
  }
}

function nodeAt(bytes: Buffer, index: number): number {
  return PAGE_HEADER_BYTES + bytes.readUInt16LE(PAGE_HEADER_BYTES + 2 * index);
}

function keyEnd(bytes: Buffer, node: number): number {
  return node + NODE_HEADER_BYTES + bytes.readUInt16LE(node + 6);
}

function keyAt(bytes: Buffer, index: number): Buffer {
  const node = nodeAt(bytes, index);
  return bytes.subarray(node + NODE_HEADER_BYTES, keyEnd(bytes, node));
}
