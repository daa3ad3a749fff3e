import { createHash } from 'node:crypto';
import { UsageError } from '../exit-codes.js';
import type { HistoryRow } from './history-rows.js';

/** Distinct rows remembered at once: about 100 bytes each. Rows in order of time need only those of one instant. */
export const REMEMBERED_ROWS_MAX = 4_000_000;

/** The row's values as a hash: the same in every file, whatever the order of its columns and the spelling of its time. */
export function rowHash({ at, roomId, creatorId, viewerId, coins }: HistoryRow): string {
  const content = JSON.stringify([at, roomId, creatorId, viewerId, String(coins)]);
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

/**
 * Gives each row its importId: the hash of the row, and which occurrence of that same row in its file it is. So two equal
 * rows of one file both count, while the same file sent twice, or another file with the same rows, counts once.
 *
 * In a file in order of time equal rows stand within one instant, so only that instant's rows are remembered and memory
 * stays small for a file of any length. In any other file all rows are, up to `REMEMBERED_ROWS_MAX`.
 */
export class RowOccurrences {
  readonly #seen = new Map<string, number>();
  #instant: string | undefined;

  constructor(
    private readonly inOrderOfTime: boolean,
    private readonly rememberedRowsMax = REMEMBERED_ROWS_MAX,
  ) {}

  /** @throws UsageError too many distinct rows to tell apart without order */
  importId(row: HistoryRow): string {
    if (this.inOrderOfTime && row.at !== this.#instant) {
      this.#seen.clear();
      this.#instant = row.at;
    }
    const hash = rowHash(row);
    const occurrence = (this.#seen.get(hash) ?? 0) + 1;
    this.#seen.set(hash, occurrence);
    if (this.#seen.size > this.rememberedRowsMax) {
      throw new UsageError(
        `more than ${this.rememberedRowsMax} rows out of order of time: sort the file by its column at`,
      );
    }
    return `${hash}-${occurrence}`;
  }
}
