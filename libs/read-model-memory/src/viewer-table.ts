import { boundedSum } from '@livegift/kernel';
import type { RowWrite, WalletRow } from '@livegift/read-model';
import { IdIndex } from './id-index.js';

const CHUNK_BITS = 12;
export const VIEWERS_PER_CHUNK = 1 << CHUNK_BITS;
const CHUNK_MASK = VIEWERS_PER_CHUNK - 1;

/** What is kept of one viewer, side by side, so that a gift touches one place in memory. All zero: nothing happened yet. */
const FIELDS = 10;
/** 0: there is no row; else 1, or 3 where the age is assured. */
const FLAGS = 0;
const REGION = 1;
const COINS = 2;
const PURCHASED_COINS = 3;
const SPENT_COINS = 4;
/** Revisions are counted from 1 here: 0 is none. */
const LAST_GIFT = 5;
const LAST_PURCHASE = 6;
/** All that the viewer gave, and when that sum was reached. */
const GIVEN = 7;
const GIVEN_REACHED = 8;
const GIVEN_REACHED_AT_MS = 9;

const HAS_ROW = 1;
const IS_AGE_ASSURED = 2;
const REGION_UNKNOWN = 'ZZ';

/** Wallets and what their viewers gave, in chunks of numbers: no object per viewer, and nothing is copied by growing. */
export class ViewerTable {
  readonly #chunks: Float64Array[] = [];
  readonly #regions = new IdIndex();

  constructor() {
    this.#regions.intern(REGION_UNKNOWN);
  }

  /** Null for a viewer without a row: one who is only known by gifts. */
  wallet(viewer: number, viewerId: string): WalletRow | null {
    const chunk = this.#chunks[viewer >>> CHUNK_BITS];
    const at = (viewer & CHUNK_MASK) * FIELDS;
    if (chunk === undefined || chunk[at + FLAGS] === 0) return null;
    const revision = (field: number): number | null => (chunk[at + field] === 0 ? null : chunk[at + field]! - 1);
    return {
      viewerId,
      region: this.#regions.id(chunk[at + REGION]!),
      ageAssured: (chunk[at + FLAGS]! & IS_AGE_ASSURED) !== 0,
      coins: chunk[at + COINS]!,
      purchasedCoins: chunk[at + PURCHASED_COINS]!,
      spentCoins: chunk[at + SPENT_COINS]!,
      lastGiftRevision: revision(LAST_GIFT),
      lastPurchaseRevision: revision(LAST_PURCHASE),
    };
  }

  /** A field that no wallet has is a mistake in a projection. */
  writeWallet(viewer: number, { set, add }: RowWrite): void {
    const chunk = this.#chunkOf(viewer);
    const at = (viewer & CHUNK_MASK) * FIELDS;
    chunk[at + FLAGS] = chunk[at + FLAGS]! | HAS_ROW;
    if (set !== undefined) {
      for (const field in set) {
        const value = set[field];
        if (field === 'coins') chunk[at + COINS] = value as number;
        else if (field === 'lastGiftRevision') chunk[at + LAST_GIFT] = value === null ? 0 : (value as number) + 1;
        else if (field === 'lastPurchaseRevision') {
          chunk[at + LAST_PURCHASE] = value === null ? 0 : (value as number) + 1;
        } else if (field === 'region') chunk[at + REGION] = this.#regions.intern(value as string);
        else if (field === 'ageAssured') chunk[at + FLAGS] = value === true ? HAS_ROW | IS_AGE_ASSURED : HAS_ROW;
        else throw unknownField(field);
      }
    }
    if (add !== undefined) {
      for (const field in add) {
        const value = add[field]!;
        if (field === 'spentCoins') chunk[at + SPENT_COINS] = boundedSum(chunk[at + SPENT_COINS]!, value);
        else if (field === 'purchasedCoins')
          chunk[at + PURCHASED_COINS] = boundedSum(chunk[at + PURCHASED_COINS]!, value);
        else if (field === 'coins') chunk[at + COINS] = boundedSum(chunk[at + COINS]!, value);
        else throw unknownField(field);
      }
    }
  }

  addGiven(viewer: number, coins: number, reached: number, reachedAtMs: number): void {
    const chunk = this.#chunkOf(viewer);
    const at = (viewer & CHUNK_MASK) * FIELDS;
    chunk[at + GIVEN] = boundedSum(chunk[at + GIVEN]!, coins);
    chunk[at + GIVEN_REACHED] = reached;
    chunk[at + GIVEN_REACHED_AT_MS] = reachedAtMs;
  }

  /** 0 for a viewer who gave nothing. */
  given(viewer: number): number {
    return this.#value(viewer, GIVEN);
  }
  givenReached(viewer: number): number {
    return this.#value(viewer, GIVEN_REACHED);
  }
  givenReachedAtMs(viewer: number): number {
    return this.#value(viewer, GIVEN_REACHED_AT_MS);
  }

  #value(viewer: number, field: number): number {
    return this.#chunks[viewer >>> CHUNK_BITS]?.[(viewer & CHUNK_MASK) * FIELDS + field] ?? 0;
  }

  /** Regions by number, in the order in which they came. */
  get regions(): readonly string[] {
    return this.#regions.ids;
  }

  restoreRegions(regions: readonly string[]): void {
    for (const region of regions) this.#regions.intern(region);
  }

  /** The numbers of the first `count` viewers of a chunk, as they stand in memory. */
  chunkBytes(index: number, count: number): Uint8Array {
    const chunk = this.#chunks[index];
    return chunk === undefined
      ? new Uint8Array(count * FIELDS * 8)
      : new Uint8Array(chunk.buffer, 0, count * FIELDS * 8);
  }

  /** Puts the next chunk there. @throws RangeError when it is not one of so many viewers */
  restoreChunk(bytes: Uint8Array, count: number): void {
    if (bytes.length !== count * FIELDS * 8) throw new RangeError('not a chunk of viewers');
    const chunk = new Float64Array(VIEWERS_PER_CHUNK * FIELDS);
    new Uint8Array(chunk.buffer).set(bytes);
    this.#chunks.push(chunk);
  }

  #chunkOf(viewer: number): Float64Array {
    const index = viewer >>> CHUNK_BITS;
    while (index >= this.#chunks.length) this.#chunks.push(new Float64Array(VIEWERS_PER_CHUNK * FIELDS));
    return this.#chunks[index]!;
  }
}

function unknownField(field: string): Error {
  return new Error(`a wallet row cannot be written at ${field}`);
}
