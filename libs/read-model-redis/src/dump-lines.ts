import {
  dumpBoardEntry,
  dumpListedRoom,
  dumpName,
  dumpRoomGifts,
  dumpRow,
  isExpired,
  partitionOf,
  reachedDigits,
  WINDOWS,
  type Board,
  type RowTable,
  type WindowName,
} from '@livegift/read-model';
import { NAMES_SUBJECT } from './batch-sums.js';
import { Commands } from './commands.js';
import { BOARD_PREFIX, ROOM_GIFTS_PREFIX, type PartitionKeys, type PeriodNames } from './keys.js';
import { parseMember } from './place.js';
import { parseListed, rowOf } from './row.js';
import type { PartitionAnswer, Stored } from './stored.js';

const PAGE = 1_000;

export interface DumpParts {
  readonly keys: readonly PartitionKeys[];
  readonly periods: PeriodNames;
  stored(partition: number): Promise<Stored>;
  read(partition: number, commands: Commands): Promise<PartitionAnswer>;
}

/** See `dumpRow` for the order. Holds all ids of one kind at a time, and reads in pages, so that Redis is never held up. */
export async function* dumpLines(parts: DumpParts): AsyncGenerator<string> {
  for (const table of ['wallet', 'creator', 'room'] as const) yield* rowLines(parts, table);
  const rooms = parts.keys[partitionOf('rooms', parts.keys.length)]!;
  const listed = await fieldsOf(parts, rooms.listed, partitionOf('rooms', parts.keys.length));
  const byOpening = listed.map(([roomId, text]) => ({ roomId, ...parseListed(text) }));
  for (const room of byOpening.sort((a, b) => (a.opened < b.opened ? 1 : -1))) yield dumpListedRoom(room);
  const made = await madeKeys(parts);
  for (const { name, partition } of made) {
    if (!name.startsWith(ROOM_GIFTS_PREFIX)) continue;
    const giftIds = await ask(parts, partition, 'LRANGE', parts.keys[partition]!.start + name, [0, -1]);
    yield dumpRoomGifts(name.slice(ROOM_GIFTS_PREFIX.length), giftIds as string[]);
  }
  const namesPartition = partitionOf(NAMES_SUBJECT, parts.keys.length);
  const names = await fieldsOf(parts, parts.keys[namesPartition]!.names, namesPartition);
  for (const [id, name] of names.sort(byId)) yield dumpName(id, name);
  for (const board of await boardsOf(parts, made)) yield* boardLines(parts, board);
}

async function* rowLines(parts: DumpParts, table: RowTable): AsyncGenerator<string> {
  const rows: [string, string][] = [];
  for (const [partition, keys] of parts.keys.entries()) {
    for (const row of await fieldsOf(parts, keys.tables[table], partition)) rows.push(row);
  }
  for (const [id, text] of rows.sort(byId)) yield dumpRow(table, rowOf(table, id, text));
}

interface MadeKey {
  readonly name: string;
  readonly partition: number;
  readonly endsAtMs: number | null;
}

/** Ordered by name. */
async function madeKeys(parts: DumpParts): Promise<MadeKey[]> {
  const found: MadeKey[] = [];
  for (const [partition, keys] of parts.keys.entries()) {
    for (let start = 0, isLast = false; !isLast; start += PAGE) {
      const page = (await ask(parts, partition, 'ZRANGE', keys.made, [
        start,
        start + PAGE - 1,
        'WITHSCORES',
      ])) as string[];
      for (let i = 0; i < page.length; i += 2) {
        found.push({ name: page[i]!, partition, endsAtMs: page[i + 1] === 'inf' ? null : Number(page[i + 1]) });
      }
      isLast = page.length < 2 * PAGE;
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface DumpedBoard extends MadeKey {
  readonly board: Board;
  readonly key: string;
  readonly window: WindowName;
  readonly startsAtMs: number | null;
}

/** By key, window and period; those that have expired are left out. */
async function boardsOf(parts: DumpParts, made: readonly MadeKey[]): Promise<DumpedBoard[]> {
  const cuts = await Promise.all(parts.keys.map(async (_, partition) => (await parts.stored(partition)).cutMs));
  const boards: DumpedBoard[] = [];
  for (const entry of made) {
    const { name, partition, endsAtMs } = entry;
    if (!name.startsWith(BOARD_PREFIX) || isExpired({ startsAtMs: null, endsAtMs }, cuts[partition]!)) continue;
    const match =
      /^board:((creator-gifters|room-gifters|creators|gifters)(?::([^:]+))?):(hour|day|week|month|all)\b/.exec(name)!;
    const window = match[4] as WindowName;
    const board = { kind: match[2], ...(match[3] === undefined ? {} : { id: match[3] }) } as Board;
    const startsAtMs = endsAtMs === null ? null : parts.periods.periodOf(window, endsAtMs - 1).startsAtMs;
    boards.push({ ...entry, board, key: match[1]!, window, startsAtMs });
  }
  return boards.sort(
    (a, b) =>
      (a.key === b.key ? 0 : a.key < b.key ? -1 : 1) ||
      WINDOWS.indexOf(a.window) - WINDOWS.indexOf(b.window) ||
      (a.startsAtMs ?? 0) - (b.startsAtMs ?? 0),
  );
}

async function* boardLines(parts: DumpParts, entry: DumpedBoard): AsyncGenerator<string> {
  const key = parts.keys[entry.partition]!.start + entry.name;
  for (let start = 0, isLast = false; !isLast; start += PAGE) {
    const range = [start, start + PAGE - 1, 'WITHSCORES'];
    const page = (await ask(parts, entry.partition, 'ZREVRANGE', key, range)) as string[];
    for (let i = 0; i < page.length; i += 2) {
      const { id, position, reachedAtMs } = parseMember(page[i]!);
      const [score, rank] = [Number(page[i + 1]), start + i / 2 + 1];
      yield dumpBoardEntry({ ...entry, rank, id, score, reached: reachedDigits(position), reachedAtMs });
    }
    isLast = page.length < 2 * PAGE;
  }
}

/** Of a hash. A scan may bring a field twice. */
async function fieldsOf(parts: DumpParts, key: string, partition: number): Promise<[string, string][]> {
  const found = new Map<string, string>();
  let cursor = '0';
  do {
    const [next, page] = (await ask(parts, partition, 'HSCAN', key, [cursor, 'COUNT', PAGE])) as [string, string[]];
    for (let i = 0; i < page.length; i += 2) found.set(page[i]!, page[i + 1]!);
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}

async function ask(
  parts: DumpParts,
  partition: number,
  name: string,
  key: string,
  words: readonly (string | number)[],
): Promise<unknown> {
  const commands = new Commands();
  commands.add(name, key, words);
  return (await parts.read(partition, commands)).answers[0];
}

const byId = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
