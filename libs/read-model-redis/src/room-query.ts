import type { Position } from '@livegift/kernel';
import { partitionOf, ReadModelError, type Page, type RoomRow, type RoomsQuery } from '@livegift/read-model';
import { Commands } from './commands.js';
import { roomListFor, type PartitionKeys } from './keys.js';
import { rowOf } from './row.js';
import type { PartitionAnswer } from './stored.js';

/** A room is listed in one partition and has its row in another, which may be a moment behind. */
const ROW_BEHIND_MS_MAX = 1_000;

export interface RoomParts {
  readonly keys: readonly PartitionKeys[];
  read(partition: number, commands: Commands): Promise<PartitionAnswer>;
  waitFor(roomId: string, position: Position, timeoutMs: number): Promise<boolean>;
}

interface ListedRoom {
  readonly opened: Position;
  readonly roomId: string;
}

/** The list in one call, then the rows in one call for each partition that has some. A row is as of its own partition. */
export async function askRooms({ limit, cursor, ...filter }: RoomsQuery, parts: RoomParts): Promise<Page<RoomRow>> {
  const partition = partitionOf('rooms', parts.keys.length);
  const commands = new Commands();
  const from = cursor === undefined ? '+' : `(${cursor}`;
  commands.add('ZREVRANGEBYLEX', parts.keys[partition]!.roomList(roomListFor(filter)), [
    from,
    '-',
    'LIMIT',
    0,
    limit + 1,
  ]);
  const { position, answers } = await parts.read(partition, commands);
  const listed = (answers[0] as string[]).map(parseListed);
  const shown = listed.slice(0, limit);
  let rows = await rowsOf(shown, parts);
  const late = shown.filter(({ roomId }) => !rows.has(roomId));
  if (late.length > 0) {
    await Promise.all(late.map(({ roomId, opened }) => parts.waitFor(roomId, opened, ROW_BEHIND_MS_MAX)));
    rows = await rowsOf(shown, parts);
  }
  const items = shown.map(({ roomId }) => rows.get(roomId) ?? missing(roomId));
  return { items, nextCursor: listed.length > limit ? shown.at(-1)!.opened : null, position };
}

async function rowsOf(rooms: readonly ListedRoom[], parts: RoomParts): Promise<Map<string, RoomRow>> {
  const byPartition = new Map<number, string[]>();
  for (const { roomId } of rooms) {
    const partition = partitionOf({ room: roomId }, parts.keys.length);
    const ids = byPartition.get(partition);
    if (ids === undefined) byPartition.set(partition, [roomId]);
    else ids.push(roomId);
  }
  const rows = new Map<string, RoomRow>();
  const reads = Array.from(byPartition, async ([partition, ids]) => {
    const commands = new Commands();
    commands.add('HMGET', parts.keys[partition]!.tables.room, ids);
    const { answers } = await parts.read(partition, commands);
    for (const [index, text] of (answers[0] as (string | null)[]).entries()) {
      if (text !== null) rows.set(ids[index]!, rowOf('room', ids[index]!, text));
    }
  });
  await Promise.all(reads);
  return rows;
}

function parseListed(entry: string): ListedRoom {
  const colon = entry.indexOf(':');
  return { opened: entry.slice(0, colon) as Position, roomId: entry.slice(colon + 1) };
}

function missing(roomId: string): never {
  throw new ReadModelError('unavailable', `room ${roomId} is listed, and its row is not there yet`);
}
