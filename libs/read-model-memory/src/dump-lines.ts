import {
  dumpBoardEntry,
  dumpListedRoom,
  dumpName,
  dumpRoomGifts,
  dumpRow,
  isExpired,
  periodOf,
  ROOM_GIFTS_MIN,
  WINDOWS,
  type Board,
  type Period,
  type WindowName,
} from '@livegift/read-model';
import { NO_CELL } from './cell-table.js';
import { HOUR_MS, type FoldState } from './fold-state.js';
import { MemberTable } from './member-table.js';

interface DumpBoard {
  readonly board: Board;
  /** Its cells as [member, amount]; amounts of 0 are left out. */
  cells(): Iterable<readonly [cell: number, member: number, amount: number]>;
  id(member: number): string;
}

/** See `dumpRow` for the order. Made from scratch, without the standings that are kept. */
export function* dumpLines(state: FoldState, cutMs: number | null): Generator<string> {
  const viewers = state.viewers.sorted();
  const creators = byId(state.creators);
  const rooms = byId(state.rooms);
  for (const viewer of viewers) {
    const row = state.accounts.wallet(viewer, state.viewers.id(viewer));
    if (row !== null) yield dumpRow('wallet', row);
  }
  for (const { row } of creators) if (row !== null) yield dumpRow('creator', row);
  for (const { row } of rooms) if (row !== null) yield dumpRow('room', row);
  for (const room of state.roomList.newest()) yield dumpListedRoom(room);
  for (const { id, gifts } of rooms) {
    if (gifts === null) continue;
    const giftIds = Array.from(gifts.newest(), ([viewer, revision]) => `${state.viewers.id(viewer)}.${revision}`);
    yield dumpRoomGifts(id, giftIds.slice(0, ROOM_GIFTS_MIN));
  }
  for (const viewer of viewers) {
    const name = state.names[viewer];
    if (name !== undefined) yield dumpName(state.viewers.id(viewer), name);
  }
  for (const board of boardsOf(state)) for (const window of WINDOWS) yield* boardLines(state, board, window, cutMs);
}

/** In the order of their keys: `creator-gifters:…`, `creators`, `gifters`, `room-gifters:…`. */
function* boardsOf(state: FoldState): Generator<DumpBoard> {
  const { cells } = state;
  const viewerId = (member: number): string => state.viewers.id(member);
  const gifters = (roomIndexes: Iterable<number>) =>
    function* () {
      for (const index of roomIndexes) {
        for (let cell = state.rooms[index]!.firstCell; cell !== NO_CELL; cell = cells.nextInRoom(cell)) {
          if (cells.coins(cell) > 0) yield [cell, cells.viewer(cell), cells.coins(cell)] as const;
        }
      }
    };
  for (const { id, rooms } of byId(state.creators)) {
    yield { board: { kind: 'creator-gifters', id }, cells: gifters(rooms.map(({ index }) => index)), id: viewerId };
  }
  yield {
    board: { kind: 'creators' },
    *cells() {
      for (let cell = 0; cell < cells.size; cell++) {
        const creator = state.rooms[cells.room(cell)]!.creator!.index;
        if (cells.diamonds(cell) > 0) yield [cell, creator, cells.diamonds(cell)] as const;
      }
    },
    id: (member) => state.creators[member]!.id,
  };
  yield { board: { kind: 'gifters' }, cells: gifters([...state.rooms.keys()]), id: viewerId };
  for (const { id, index } of byId(state.rooms)) {
    yield { board: { kind: 'room-gifters', id }, cells: gifters([index]), id: viewerId };
  }
}

function* boardLines(state: FoldState, board: DumpBoard, window: WindowName, cutMs: number | null): Generator<string> {
  const periods = new Map<number, { period: Period; table: MemberTable }>();
  for (const [cell, member, amount] of board.cells()) {
    const hourMs = (state.cells.key(cell) >> 2) * HOUR_MS - state.utcOffsetMs;
    const period = periodOf(window, hourMs, state.utcOffsetMs);
    if (isExpired(period, cutMs)) continue;
    const start = period.startsAtMs ?? 0;
    let found = periods.get(start);
    if (found === undefined) periods.set(start, (found = { period, table: new MemberTable() }));
    found.table.merge(found.table.intern(member), amount, state.cells.reached(cell), state.cellReachedAtMs(cell));
  }
  const inOrder = [...periods.values()].sort((a, b) => (a.period.startsAtMs ?? 0) - (b.period.startsAtMs ?? 0));
  for (const { period, table } of inOrder) {
    const slots = Array.from({ length: table.size }, (_, slot) => slot).sort((a, b) => table.compare(a, b));
    for (const [index, slot] of slots.entries()) {
      yield dumpBoardEntry({
        board: board.board,
        window,
        startsAtMs: period.startsAtMs,
        rank: index + 1,
        id: board.id(table.member(slot)),
        score: table.score(slot),
        reached: String(table.reached(slot)),
        reachedAtMs: table.reachedAtMs(slot),
      });
    }
  }
}

function byId<Entry extends { readonly id: string }>(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => (a.id < b.id ? -1 : 1));
}
