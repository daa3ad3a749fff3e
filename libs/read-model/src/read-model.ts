import type { Checkpoint, Position } from '@livegift/kernel';
import type { Board, WindowName } from './boards.js';
import type { ReadModelSubject } from './partitions.js';
import type { ReadModelWrite } from './writes.js';

/** Writes of one partition, with the step of its checkpoint. Several writes may come of one event, in order of position. */
export interface ReadModelBatch {
  readonly partition: number;
  readonly storeId: string;
  /** The checkpoint that this batch goes on from; null: from nothing. */
  readonly from: Position | null;
  readonly to: Position;
  /**
   * When the newest gift of the log after `from`, up to `to` (of every partition) was recorded, milliseconds, but not later
   * than the projector's clock; null without one. A retention counts back from the greatest so far. It never goes by what
   * a gift says of its own time: one gift from the future would expire every board of today.
   */
  readonly newestRecordedMs: number | null;
  readonly writes: readonly ReadModelWrite[];
}

export type ApplyResult =
  | { readonly applied: true }
  /** Nothing was changed: the stored checkpoint is not the batch's `from`. Read again from the stored one. */
  | { readonly applied: false; readonly checkpoint: Checkpoint | null };

export interface WalletRow {
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
  readonly coins: number;
  readonly purchasedCoins: number;
  readonly spentCoins: number;
  /** Newest of its type in the wallet's stream, to list from; null without one. */
  readonly lastGiftRevision: number | null;
  readonly lastPurchaseRevision: number | null;
}

export interface CreatorRow {
  readonly creatorId: string;
  /** Earned by gifts so far. */
  readonly diamonds: number;
  /** Already credited to the balance. */
  readonly creditedDiamonds: number;
  readonly giftCount: number;
  readonly coinsReceived: number;
  readonly lastCreditRevision: number | null;
}

export interface RoomRow {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly state: 'open' | 'closed';
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** History opened it: it was never live. */
  readonly imported: boolean;
  /** Of the newest gift that was shown live, so not an imported one; null without one. */
  readonly lastGiftPosition: Position | null;
  readonly giftCount: number;
  readonly coins: number;
  readonly diamonds: number;
}

/** What was found, and how far the partition that it was read from has got (null: nothing applied yet). */
export interface Answer<Row> {
  readonly row: Row;
  readonly position: Position | null;
}

export interface RoomsQuery {
  readonly creatorId?: string;
  readonly state?: 'open' | 'closed';
  readonly limit: number;
  /** Of the previous page's `nextCursor`: the position at which its last room was opened (see `isPosition`). */
  readonly cursor?: string;
}

export interface Page<Row> {
  readonly items: readonly Row[];
  readonly nextCursor: string | null;
  readonly position: Position | null;
}

export interface BoardQuery {
  readonly board: Board;
  readonly window: WindowName;
  /** An instant in the wanted period, milliseconds; ignored for `all`. */
  readonly atMs: number;
  /** 1 to 100. */
  readonly limit: number;
  /** First rank of the entries, from 1. Default 1. Not together with `around`. */
  readonly from?: number;
  /** This member in the middle; see the HTTP contract. */
  readonly around?: string;
  /** Also this member's own entry. */
  readonly member?: string;
}

export interface BoardEntry {
  readonly rank: number;
  readonly id: string;
  /** The sender's last name; null when unknown. */
  readonly name: string | null;
  readonly score: number;
  /** occurredAt of the gift that reached the score, milliseconds. */
  readonly reachedAtMs: number;
}

export interface BoardAnswer {
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  readonly entries: readonly BoardEntry[];
  readonly member: BoardEntry | null;
  /** Members on the board. */
  readonly total: number;
  readonly position: Position | null;
}

export type ReadModelErrorCode =
  /** The read model cannot be reached. */
  | 'unavailable'
  /** The partition is being rebuilt: never half a truth. */
  | 'rebuilding'
  /** The period lies behind the configured retention. */
  | 'period-expired'
  /** The checkpoint names another event store: rebuild. */
  | 'checkpoint-foreign';

export class ReadModelError extends Error {
  override readonly name = 'ReadModelError';

  constructor(
    readonly code: ReadModelErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Balances, totals and boards, folded from the log. Promises, each with a case in `@livegift/read-model/contract`:
 *
 * - A batch's writes and its checkpoint move together, or not at all, and only from the checkpoint that it names.
 * - So no overlap of batches, no second projector and no fallen-back checkpoint can count anything twice or leave it out.
 * - A partition without a checkpoint holds nothing. The same log gives the same `dump`, however it was cut into batches.
 * - Equal scores stand in the order of position in which they were reached.
 * - A query answers `rebuilding` until its partition is marked built: fresh, dropped, or come back empty.
 *
 * Every query can throw ReadModelError `unavailable` and `rebuilding`.
 */
export interface ReadModel {
  /** Fixed for a deployment; a subject lives in one partition: see `partitionOf`. */
  readonly partitionCount: number;

  checkpoint(partition: number): Promise<Checkpoint | null>;

  /** @throws ReadModelError `unavailable` (the outcome is not known: read the checkpoint), `checkpoint-foreign` */
  apply(batch: ReadModelBatch): Promise<ApplyResult>;

  /** Drops the partition's rows, boards and checkpoint, and that it was built. */
  drop(partition: number): Promise<void>;

  /**
   * Answers questions from now on, if the stored checkpoint is `reached` or later (null: the log is empty). False: it is
   * not, because the partition was dropped, came back empty or has fallen back meanwhile; then nothing is changed. Asked
   * again of a built partition it writes nothing: so it is also how a projector looks whether all is still there.
   * @throws ReadModelError `unavailable`, `checkpoint-foreign`
   */
  markBuilt(partition: number, reached: Checkpoint | null): Promise<boolean>;

  /** How many partitions answer questions now; `partitionCount` unless some are being rebuilt. @throws ReadModelError `unavailable` */
  builtPartitions(): Promise<number>;

  wallet(viewerId: string): Promise<Answer<WalletRow> | null>;
  creator(creatorId: string): Promise<Answer<CreatorRow> | null>;
  room(roomId: string): Promise<Answer<RoomRow> | null>;
  /** Newest first by opening. A cursor stays where it is while rooms are added. */
  rooms(query: RoomsQuery): Promise<Page<RoomRow>>;
  /** Gift ids of the room's newest gifts, newest first; at least the last `ROOM_GIFTS_MIN` are kept. Empty for an unknown room. */
  roomGifts(roomId: string): Promise<Answer<readonly string[]>>;
  /** @throws ReadModelError `period-expired` */
  board(query: BoardQuery): Promise<BoardAnswer>;

  /**
   * True as soon as the subject's partition has reached `position`; false when `timeoutMs` went by first.
   * @throws ReadModelError `unavailable` (also on `close`), `rebuilding` at once
   */
  waitFor(subject: ReadModelSubject, position: Position, timeoutMs: number): Promise<boolean>;

  /** Every row and board entry as canonical lines in a fixed order, without checkpoints: equal state, equal dump. */
  dump(): AsyncIterable<string>;

  close(): Promise<void>;
}

export const ROOM_GIFTS_MIN = 1_000;

/** Rejects while some questions cannot be answered, and says how much is missing. @throws ReadModelError `unavailable`, `rebuilding` */
export async function assertBuilt(readModel: Pick<ReadModel, 'partitionCount' | 'builtPartitions'>): Promise<void> {
  const { partitionCount } = readModel;
  const built = await readModel.builtPartitions();
  if (built === partitionCount) return;
  throw new ReadModelError('rebuilding', `is being rebuilt: ${built} of ${partitionCount} partitions answer queries`);
}
