import type { Position } from '@livegift/kernel';
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
  WINDOWS,
} from '@livegift/read-model';
import { boardName, type PeriodName, type PeriodNames } from './keys.js';

/** What a batch adds for one member of a board: the score, and where its last gift stands. */
export interface Sum {
  amount: number;
  position: Position;
  atMs: number;
}

/** One board in one period. */
export interface BoardSums {
  /** As in its keys: `gifters:day:2026-05-13`. */
  readonly name: string;
  readonly endsAtMs: number | null;
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
  readonly #boards = new Map<string, { readonly score: BoardScore; readonly hours: HourSums }>();
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
    if (gift.name !== null && this.#hasNames) this.names.set(gift.viewerId, gift.name);
    if (this.#livesHere(this.#roomsHere, gift.roomId, { room: gift.roomId })) {
      pushTo(this.#roomGifts, gift.roomId, gift.giftId);
    }
    const hour = this.periods.hourOf(gift.occurredAtMs);
    for (const score of scoresOf(gift)) if (score.amount !== 0) this.#score(gift, score, hour);
  }

  boards(cutMs: number | null): BoardSums[] {
    const found: BoardSums[] = [];
    for (const { score, hours } of this.#boards.values()) {
      for (let window = 0; window < WINDOWS.length; window++) {
        for (const { period, members } of this.#merged(hours, window)) {
          if (cutMs !== null && period.endsAtMs !== null && period.endsAtMs <= cutMs) continue;
          found.push({ name: boardName(score.board, period), endsAtMs: period.endsAtMs, members });
        }
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
    let board = this.#boards.get(key);
    if (board === undefined) this.#boards.set(key, (board = { score, hours: new Map() }));
    let members = board.hours.get(hour);
    if (members === undefined) board.hours.set(hour, (members = new Map()));
    const sum = members.get(score.member);
    if (sum === undefined) {
      members.set(score.member, { amount: score.amount, position: gift.position, atMs: gift.occurredAtMs });
    } else {
      sum.amount += score.amount;
      sum.position = gift.position;
      sum.atMs = gift.occurredAtMs;
    }
  }

  /** The hours of a board as periods of one window. Live gifts are all of one hour, whose sums are those of every window. */
  #merged(hours: HourSums, window: number): { period: PeriodName; members: Map<string, Sum> }[] {
    if (hours.size === 1) {
      const [[hour, members]] = hours as unknown as [[number, Map<string, Sum>]];
      return [{ period: this.periods.ofHour(hour)[window]!, members }];
    }
    const merged = new Map<string, { period: PeriodName; members: Map<string, Sum> }>();
    for (const [hour, sums] of hours) {
      const period = this.periods.ofHour(hour)[window]!;
      let into = merged.get(period.text);
      if (into === undefined) merged.set(period.text, (into = { period, members: new Map() }));
      for (const [member, sum] of sums) mergeInto(into.members, member, sum);
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
  known.amount += sum.amount;
  if (sum.position <= known.position) return;
  known.position = sum.position;
  known.atMs = sum.atMs;
}

function pushTo<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
