import { boundedSum } from '@livegift/kernel';
import { ROOM_GIFTS_MIN, type RoomListedWrite, type RowTable } from '@livegift/read-model';
import type { BatchSums, BoardSums } from './batch-sums.js';
import { Commands } from './commands.js';
import { BOARD_PREFIX, ROOM_GIFTS_PREFIX, ROOM_LIST_PREFIX, boardName, roomLists, type PartitionKeys } from './keys.js';
import type { KeptState } from './kept-state.js';
import { reachedText, type Place } from './place.js';
import { emptyRow, writeRow, type Listed } from './row.js';

/** The commands that bring a partition on by a batch. Everything that it touches is kept, and moves on, too. */
export function writesOf(kept: KeptState, sums: BatchSums, keys: PartitionKeys): Commands {
  const writer = new Writes(kept, keys);
  for (const table of Object.keys(sums.rows) as RowTable[]) writer.rows(table, sums.rows[table]);
  for (const listing of sums.listings) writer.list(listing);
  for (const board of sums.boards) writer.board(board);
  for (const [roomId, giftIds] of sums.roomGifts) writer.roomGifts(roomId, giftIds);
  writer.names(sums.names);
  return writer.end();
}

class Writes {
  readonly commands = new Commands();
  readonly #made: (string | number)[] = [];

  constructor(
    private readonly kept: KeptState,
    private readonly keys: PartitionKeys,
  ) {}

  rows(table: RowTable, writes: BatchSums['rows'][RowTable]): void {
    const kept = this.kept.rows[table];
    const changed: string[] = [];
    for (const [id, changes] of writes) {
      const row = kept.get(id) ?? emptyRow(table);
      for (const change of changes) writeRow(row, change);
      kept.set(id, row);
      changed.push(id, JSON.stringify(row));
    }
    this.commands.add('HSET', this.keys.tables[table], changed);
  }

  list({ roomId, creatorId, state, openedPosition }: RoomListedWrite): void {
    const known = this.kept.listed.get(roomId) ?? null;
    const opened = known?.opened ?? openedPosition;
    if (opened === null || known?.state === state) return;
    const listed: Listed = { opened, creatorId: known?.creatorId ?? creatorId, state };
    const before = known === null ? [] : roomLists(known.creatorId, known.state);
    const after = roomLists(listed.creatorId, state);
    const entry = `${opened}:${roomId}`;
    for (const name of before) if (!after.includes(name)) this.commands.add('ZREM', this.keys.roomList(name), [entry]);
    for (const name of after) {
      if (before.includes(name)) continue;
      this.commands.add('ZADD', this.keys.roomList(name), [0, entry]);
      this.#make(ROOM_LIST_PREFIX + name, null);
    }
    this.commands.add('HSET', this.keys.listed, [roomId, JSON.stringify(listed)]);
    this.kept.listed.set(roomId, listed);
  }

  board({ key, periods, members }: BoardSums): void {
    const known = this.kept.boards.get(key)!;
    const changes = periods.map((period) => ({
      period,
      added: [] as string[],
      left: [] as string[],
      placed: [] as string[],
    }));
    for (const [id, { amount, position, atMs }] of members) {
      const member = known.get(id)!;
      const reached = reachedText(position, atMs);
      const entry = `${reached}:${id}`;
      let place: Place = { score: 0, reached };
      for (const { period, added, left, placed } of changes) {
        const before = member.place(period.text);
        if (before === undefined) throw new Error(`the place of ${id} on ${key} was not read`);
        const score = boundedSum(before?.score ?? 0, amount);
        added.push(String(score), entry);
        if (before !== null) left.push(`${before.reached}:${id}`);
        placed.push(id, `${score}:${reached}`);
        // A new member has one place in all windows.
        if (place.score !== score) place = { score, reached };
        member.put(period.text, place);
      }
    }
    for (const { period, added, left, placed } of changes) {
      const name = boardName(key, period.text);
      this.commands.add('ZADD', this.keys.board(name), added);
      // Afterwards, so that the board of one member is not emptied and made anew.
      this.commands.add('ZREM', this.keys.board(name), left);
      this.commands.add('HSET', this.keys.places(name), placed);
      if (left.length === 0) this.#make(BOARD_PREFIX + name, period.endsAtMs);
    }
  }

  roomGifts(roomId: string, giftIds: readonly string[]): void {
    const key = this.keys.roomGifts(roomId);
    this.commands.add('LPUSH', key, giftIds);
    this.commands.add('LTRIM', key, [0, ROOM_GIFTS_MIN - 1]);
    this.#make(ROOM_GIFTS_PREFIX + roomId, null);
  }

  names(names: ReadonlyMap<string, string>): void {
    this.commands.add('HSET', this.keys.names, [...names].flat());
  }

  end(): Commands {
    this.commands.add('ZADD', this.keys.made, this.#made);
    return this.commands;
  }

  /** Notes a key that may be new. */
  #make(name: string, endsAtMs: number | null): void {
    if (this.kept.made.has(name)) return;
    this.kept.made.add(name);
    this.kept.grow(1);
    this.#made.push(endsAtMs === null ? '+inf' : String(endsAtMs), name);
  }
}
