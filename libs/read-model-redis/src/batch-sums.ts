import { boundedSum, type Position } from '@livegift/kernel';
import {
  boardKey,
  partitionOf,
  ROOM_GIFTS_MIN,
  scoresOf,
  type BoardScore,
  type GiftScoredWrite,
  type ReadModelBatch,
  type ReadModelSubject,
  type RoomListedWrite,
  type RowTable,
  type RowWrite,
} from '@livegift/read-model';
import type { PeriodName, PeriodNames } from './keys.js';

/** What a batch adds for one member of a board: the score, and where its last gift stands. */
export interface Sum {
  amount: number;
  position: Position;
  atMs: number;
}

/** What comes to one board, alike in all of these periods. */
export interface BoardSums {
  /** See `boardKey`. */
  readonly key: string;
  readonly periods: readonly PeriodName[];
  readonly members: ReadonlyMap<string, Sum>;
}

export interface BatchSums {
  readonly rows: Readonly<Record<RowTable, ReadonlyMap<string, readonly RowWrite[]>>>;
  readonly listings: readonly RoomListedWrite[];
  readonly boards: readonly BoardSums[];
  /** By room, newest last, no more than are kept. */
  readonly roomGifts: ReadonlyMap<string, readonly string[]>;
  readonly names: ReadonlyMap<string, string>;
}

/**
 * What a batch comes to in one partition, so that Redis is asked once for each member of a board, however many gifts came.
 * @param cutMs periods that ended then or before are left out; null: none
 */
export function sumBatch(
  batch: ReadModelBatch,
  partitionCount: number,
  periods: PeriodNames,
  cutMs: number | null,
): BatchSums {
  const rows = {
    wallet: new Map<string, RowWrite[]>(),
    creator: new Map<string, RowWrite[]>(),
    room: new Map<string, RowWrite[]>(),
  };
  const listings: RoomListedWrite[] = [];
  const gifts = new GiftSums(batch.partition, partitionCount, periods);
  for (const write of batch.writes) {
    if (write.kind === 'gift-scored') gifts.add(write);
    else if (write.kind === 'room-listed') listings.push(write);
    else pushTo(rows[write.table], write.id, write);
  }
  return { rows, listings, boards: gifts.boards(cutMs), roomGifts: gifts.newest(), names: gifts.names };
}

type HourSums = Map<number, Map<string, Sum>>;

class GiftSums {
  readonly names = new Map<string, string>();
  readonly #boards = new Map<string, HourSums>();
  readonly #roomGifts = new Map<string, string[]>();
  /** Of boards and rooms that were met already: whether they live in this partition. */
  readonly #boardsHere = new Map<string, boolean>();
  readonly #roomsHere = new Map<string, boolean>();
  readonly #hasNames: boolean;

  constructor(
    private readonly partition: number,
    private readonly partitionCount: number,
    private readonly periods: PeriodNames,
  ) {
    this.#hasNames = partitionOf(NAMES_SUBJECT, partitionCount) === partition;
  }

  add(gift: GiftScoredWrite): void {
    if (gift.name !== null && this.#hasNames) this.names.set(gift.viewerId, wellFormed(gift.name));
    if (this.#livesHere(this.#roomsHere, gift.roomId, { room: gift.roomId })) {
      pushTo(this.#roomGifts, gift.roomId, gift.giftId);
    }
    const hour = this.periods.hourOf(gift.occurredAtMs);
    for (const score of scoresOf(gift)) if (score.amount !== 0) this.#score(gift, score, hour);
  }

  boards(cutMs: number | null): BoardSums[] {
    const found: BoardSums[] = [];
    for (const [key, hours] of this.#boards) {
      for (const { periods, members } of this.#byPeriod(hours)) {
        const kept = periods.filter(({ endsAtMs }) => cutMs === null || endsAtMs === null || endsAtMs > cutMs);
        if (kept.length > 0) found.push({ key, periods: kept, members });
      }
    }
    return found;
  }

  newest(): ReadonlyMap<string, readonly string[]> {
    for (const [roomId, giftIds] of this.#roomGifts) this.#roomGifts.set(roomId, giftIds.slice(-ROOM_GIFTS_MIN));
    return this.#roomGifts;
  }

  #score(gift: GiftScoredWrite, score: BoardScore, hour: number): void {
    const key = boardKey(score.board);
    if (!this.#livesHere(this.#boardsHere, key, score)) return;
    let hours = this.#boards.get(key);
    if (hours === undefined) this.#boards.set(key, (hours = new Map()));
    let members = hours.get(hour);
    if (members === undefined) hours.set(hour, (members = new Map()));
    const sum = members.get(score.member);
    if (sum === undefined) {
      members.set(score.member, { amount: score.amount, position: gift.position, atMs: gift.occurredAtMs });
    } else {
      sum.amount = boundedSum(sum.amount, score.amount);
      sum.position = gift.position;
      sum.atMs = gift.occurredAtMs;
    }
  }

  /** Live gifts are all of one hour, whose sums are those of every window. */
  #byPeriod(hours: HourSums): { periods: readonly PeriodName[]; members: Map<string, Sum> }[] {
    const all = Array.from(hours, ([hour, members]) => ({ periods: this.periods.ofHour(hour), members }));
    if (all.length === 1) return all;
    const merged = new Map<string, { periods: PeriodName[]; members: Map<string, Sum> }>();
    for (const { periods, members } of all) {
      for (const period of periods) {
        let into = merged.get(period.text);
        if (into === undefined) merged.set(period.text, (into = { periods: [period], members: new Map() }));
        for (const [member, sum] of members) mergeInto(into.members, member, sum);
      }
    }
    return [...merged.values()];
  }

  #livesHere(known: Map<string, boolean>, key: string, subject: ReadModelSubject): boolean {
    let isHere = known.get(key);
    if (isHere === undefined) {
      known.set(key, (isHere = partitionOf(subject, this.partitionCount) === this.partition));
    }
    return isHere;
  }
}

/** Names live where every gift comes by: beside the board of all gifters. */
export const NAMES_SUBJECT = { board: { kind: 'gifters' } } as const;

function mergeInto(members: Map<string, Sum>, member: string, sum: Sum): void {
  const known = members.get(member);
  if (known === undefined) {
    members.set(member, { ...sum });
    return;
  }
  known.amount = boundedSum(known.amount, sum.amount);
  if (sum.position <= known.position) return;
  known.position = sum.position;
  known.atMs = sum.atMs;
}

function pushTo<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** Half a character, which JSON may hold, cannot be written in UTF-8, and Lua would refuse the batch for it. */
function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? Buffer.from(text).toString() : text;
}
