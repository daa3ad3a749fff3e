import { PAGE_HEADER_BYTES } from './data-file.js';
import type { CommitBatch } from './commit-batch.js';
import type { StreamRuns } from './stream-runs.js';

/** Roots, branches, the records of the trees, checkpoints, the list of free pages. */
const FIXED_PAGES = 128;
/** A value up to about half a page stands in a leaf. */
const VALUE_IN_LEAF_BYTES = 1_024;
const RUN_BYTES = 8;
const ENTRY_BYTES = 64;
/** Leaves that are split, branches above them. */
const BRANCHES_SHARE = 4;

/** At most how many pages a transaction writes, however badly its keys are scattered. */
export function pagesOf(
  { blocks, writes }: CommitBatch,
  entries: readonly { readonly stream: string; readonly entry: StreamRuns }[],
  checkpoints: number,
  pageBytes: number,
): number {
  let pages = FIXED_PAGES + checkpoints;
  for (const { bytes } of blocks) pages += 1 + pagesOfValue(bytes.length, pageBytes);
  for (const { value } of writes) pages += 2 + pagesOfValue(value.length, pageBytes);
  let indexBytes = 0;
  for (const { stream, entry } of entries)
    indexBytes += ENTRY_BYTES + 3 * stream.length + RUN_BYTES * entry.runs.length;
  pages += entries.length + Math.ceil(entries.length / BRANCHES_SHARE) + Math.ceil(indexBytes / VALUE_IN_LEAF_BYTES);
  return pages;
}

function pagesOfValue(bytes: number, pageBytes: number): number {
  return Math.ceil((PAGE_HEADER_BYTES + bytes) / pageBytes);
}
