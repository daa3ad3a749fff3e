import { ReadModelError, type ApplyResult, type ReadModelBatch } from '@livegift/read-model';
import { sumBatch, type BatchSums } from './batch-sums.js';
import type { RedisConnection } from './connection.js';
import type { PartitionKeys, PeriodNames } from './keys.js';
import { KeptState, type KeptBudget } from './kept-state.js';
import { APPLY_LENGTH_MAX, DROPPED_FREED_MAX, EXPIRED_FREED_MAX } from './options.js';
import { missingPlaces, missingRowsAndMembers, type MissingState } from './present-state.js';
import { storedOf, type Stored } from './stored.js';
import { writesOf } from './writes-of.js';

export interface WriterParts {
  readonly connection: RedisConnection;
  readonly periods: PeriodNames;
  readonly budget: KeptBudget;
  /** What a partition was made with; another one cannot go on from it. */
  readonly layout: string;
  readonly partitionCount: number;
  readonly retentionMs: number | null;
  readonly applyMsMax: number;
}

/**
 * Applies batches to one partition, one after the other. What a batch touches is read (or known from the last one), the new
 * values are computed here, and one script writes them together with the checkpoint, if that is still where they came from.
 */
export class PartitionWriter {
  readonly #kept: KeptState;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly keys: PartitionKeys,
    private readonly parts: WriterParts,
  ) {
    this.#kept = new KeptState(parts.budget);
  }

  apply(batch: ReadModelBatch): Promise<ApplyResult> {
    return this.#inOrder(async () => {
      this.#kept.isInUse = true;
      try {
        return await this.#apply(batch);
      } catch (error) {
        this.#kept.forget();
        throw error;
      } finally {
        this.#kept.isInUse = false;
      }
    });
  }

  /** Empty at once for everybody; its keys are freed before it resolves, or by whoever applies next. */
  drop(): Promise<void> {
    return this.#inOrder(async () => {
      this.#kept.forget();
      await this.#free('1');
    });
  }

  #inOrder<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  async #apply(batch: ReadModelBatch): Promise<ApplyResult> {
    const kept = this.#kept;
    if (kept.at !== batch.from || kept.outgrown) kept.forget();
    const { retentionMs, periods, partitionCount } = this.parts;
    const sums = sumBatch(batch, partitionCount, periods, cutAfter(kept, batch.newestRecordedMs, retentionMs));
    for (const missingOf of [missingRowsAndMembers, missingPlaces]) {
      const missing = missingOf(kept, sums, this.keys);
      if (missing.commands.count === 0) continue;
      const stored = await this.#read(batch, missing);
      if (stored !== null) return this.#refused(stored, batch);
    }
    return this.#write(batch, sums);
  }

  /** Null when the partition stands at the batch's `from`. */
  async #read(batch: ReadModelBatch, missing: MissingState): Promise<Stored | null> {
    const { connection, applyMsMax } = this.parts;
    const keys = missing.commands.besides([this.keys.checkpoint], connection.isCluster);
    const words = [...keys, missing.commands.text];
    const [reply, ...answers] = (await connection.script('livegiftRead', words, applyMsMax)) as unknown[];
    const stored = storedOf(reply);
    if (stored.isDropping || (stored.checkpoint?.position ?? null) !== batch.from) return stored;
    this.#assertOurs(stored, batch.storeId);
    missing.keep(answers);
    this.#kept.at = batch.from;
    this.#kept.newestRecordedMs = stored.newestRecordedMs;
    this.#kept.cutMs = stored.cutMs;
    return null;
  }

  async #write(batch: ReadModelBatch, sums: BatchSums): Promise<ApplyResult> {
    const { connection, layout, retentionMs, applyMsMax, budget } = this.parts;
    const kept = this.#kept;
    const commands = writesOf(kept, sums, this.keys);
    const { text } = commands;
    if (text.length > APPLY_LENGTH_MAX) {
      throw new RangeError(`a batch of ${batch.writes.length} writes is too large for one call of Redis`);
    }
    const { from, to, storeId, newestRecordedMs } = batch;
    const place = [storeId, from ?? '', to, layout];
    const retention = [newestRecordedMs ?? '', retentionMs ?? '', EXPIRED_FREED_MAX, this.keys.start];
    const keys = commands.besides([this.keys.checkpoint, this.keys.made], connection.isCluster);
    const reply = await connection.script('livegiftApply', [...keys, place, retention, text], applyMsMax);
    if (reply !== 1) return this.#refused(storedOf(reply), batch);
    if (kept.at !== undefined) {
      kept.at = batch.to;
      kept.cutMs = cutAfter(kept, batch.newestRecordedMs, retentionMs);
      if (batch.newestRecordedMs !== null)
        kept.newestRecordedMs = Math.max(kept.newestRecordedMs ?? -Infinity, batch.newestRecordedMs);
      budget.trim();
    }
    return { applied: true };
  }

  /** Nothing was changed: says why. */
  async #refused(stored: Stored, batch: ReadModelBatch): Promise<ApplyResult> {
    this.#kept.forget();
    if (stored.isDropping) {
      await this.#free('0');
      return this.#apply(batch);
    }
    this.#assertOurs(stored, batch.storeId);
    return { applied: false, checkpoint: stored.checkpoint };
  }

  /** @throws ReadModelError `checkpoint-foreign` */
  #assertOurs({ checkpoint, layout }: Stored, storeId: string): void {
    if (checkpoint !== null && checkpoint.storeId !== storeId) throw foreignStore(checkpoint.storeId);
    assertLayout(layout, this.parts.layout);
  }

  async #free(begin: '0' | '1'): Promise<void> {
    const { connection, applyMsMax } = this.parts;
    const { checkpoint, made, start, names, listed, tables } = this.keys;
    const always = [names, listed, ...Object.values(tables)];
    for (let first = begin, more: unknown = 1; more === 1; first = '0') {
      const words = [checkpoint, made, first, DROPPED_FREED_MAX, start, ...always];
      more = await connection.script('livegiftDrop', words, applyMsMax);
    }
  }
}

export const foreignStore = (storeId: string): ReadModelError =>
  new ReadModelError('checkpoint-foreign', `this read model was built from store ${storeId}`);

/** Other partitions or another offset put gifts elsewhere. @throws ReadModelError `checkpoint-foreign` */
export function assertLayout(stored: string | null, ours: string): void {
  if (stored === null || stored === ours) return;
  throw new ReadModelError(
    'checkpoint-foreign',
    `the read model was built as "${stored}", not as "${ours}": rebuild it`,
  );
}

/** Where the retention cuts once the batch is applied: it never moves back. */
function cutAfter(
  kept: { readonly newestRecordedMs: number | null; readonly cutMs: number | null },
  batchNewestMs: number | null,
  retentionMs: number | null,
): number | null {
  const newest = Math.max(kept.newestRecordedMs ?? -Infinity, batchNewestMs ?? -Infinity);
  if (retentionMs === null || newest === -Infinity) return kept.cutMs;
  return Math.max(kept.cutMs ?? -Infinity, newest - retentionMs);
}
