import type { Position } from '@livegift/kernel';
import {
  boardKey,
  partitionOf,
  type BoardAnswer,
  type BoardEntry,
  type BoardQuery,
  ReadModelError,
} from '@livegift/read-model';
import { NAMES_SUBJECT } from './batch-sums.js';
import { Commands } from './commands.js';
import type { RedisConnection } from './connection.js';
import { boardName, type PartitionKeys, type PeriodNames } from './keys.js';
import { parseMember } from './place.js';
import { assertReadable, rebuilding, storedOf } from './stored.js';

export interface BoardParts {
  readonly connection: RedisConnection;
  readonly keys: readonly PartitionKeys[];
  readonly periods: PeriodNames;
  readonly layout: string;
  readonly answerMsMax: number;
}

/**
 * One call. Names live in one partition, beside the board of all gifters: on a Redis Cluster, where a call stays in one
 * partition, the gifters of a room or creator take a second one.
 */
export async function askBoard(parts: BoardParts, query: BoardQuery): Promise<BoardAnswer> {
  const { keys, periods } = parts;
  const period = periods.periodOf(query.window, query.atMs);
  const partition = partitionOf({ board: query.board }, keys.length);
  const namesPartition = partitionOf(NAMES_SUBJECT, keys.length);
  const withNames = query.board.kind !== 'creators';
  const inOneCall = withNames && (!parts.connection.isCluster || namesPartition === partition);
  const reply = await callBoard(parts, query, partition, inOneCall ? namesPartition : null);
  assertReadable(reply.stored, parts.layout);
  if (reply.stored.cutMs !== null && period.endsAtMs !== null && period.endsAtMs <= reply.stored.cutMs) {
    throw new ReadModelError('period-expired', 'the period lies behind the retention');
  }
  const entries = entriesOf(reply.page, reply.first + 1);
  const own = reply.ownRank === null ? [] : entriesOf(reply.own, reply.ownRank + 1);
  const ids = [...entries, ...own].map(({ id }) => id);
  const names = !withNames ? [] : (reply.names ?? (await namesOf(parts, namesPartition, ids)));
  const named = [...entries, ...own].map((entry, index) => ({ ...entry, name: names[index] ?? null }));
  return {
    ...period,
    entries: named.slice(0, entries.length),
    member: named[entries.length] ?? null,
    total: reply.total,
    position: (reply.stored.checkpoint?.position ?? null) satisfies Position | null,
  };
}

async function callBoard(parts: BoardParts, query: BoardQuery, partition: number, namesPartition: number | null) {
  const { keys, periods, connection } = parts;
  const here = keys[partition]!;
  const name = boardName(boardKey(query.board), periods.of(query.window, query.atMs).text);
  const names = namesPartition === null ? [] : [keys[namesPartition]!.names, keys[namesPartition]!.checkpoint];
  const read = [here.checkpoint, here.board(name), here.places(name), ...names];
  const words = [query.limit, query.from ?? 1, query.around ?? '', query.member ?? ''];
  const answer = await connection.script('livegiftBoard', [read.length, ...read, ...words], parts.answerMsMax);
  const [checkpoint, total, first, page, ownRank, own, found, namesBuilt] = answer as readonly unknown[];
  if (namesPartition !== null && namesBuilt === null) throw rebuilding();
  return {
    stored: storedOf(checkpoint),
    total: total as number,
    first: first as number,
    page: page as readonly string[],
    ownRank: ownRank as number | null,
    own: own as readonly string[],
    names: (found ?? null) as readonly (string | null)[] | null,
  };
}

async function namesOf(parts: BoardParts, partition: number, ids: string[]): Promise<readonly (string | null)[]> {
  if (ids.length === 0) return [];
  const { checkpoint, names } = parts.keys[partition]!;
  const commands = new Commands();
  commands.add('HMGET', names, ids);
  const words = [...commands.besides([checkpoint], parts.connection.isCluster), commands.text];
  const [stored, found] = (await parts.connection.script('livegiftRead', words, parts.answerMsMax)) as unknown[];
  assertReadable(storedOf(stored), parts.layout);
  return found as (string | null)[];
}

/** Of members with their scores, in turn. */
function entriesOf(page: readonly string[], firstRank: number): Omit<BoardEntry, 'name'>[] {
  return Array.from({ length: page.length / 2 }, (_, index) => {
    const { id, reachedAtMs } = parseMember(page[2 * index]!);
    return { rank: firstRank + index, id, score: Number(page[2 * index + 1]), reachedAtMs };
  });
}
