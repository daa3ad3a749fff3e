// Gifts into a real Redis: what a projector does with a log of gifts, beside the plainest script that writes as many keys.
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import type { Position, RecordedEvent } from '@livegift/kernel';
import { startRedis } from '@livegift/local-servers';
import { batchesOf } from '@livegift/projections';
import { partitionOf, scoresOf, WINDOWS, type GiftScoredWrite, type ReadModelBatch } from '@livegift/read-model';
import { BATCH_EVENTS_ADVISED, openRedisReadModel } from '@livegift/read-model-redis';
import type { Row } from './row.js';

const BENCH = 'projector to Redis';
const PARTITIONS = 64;
const GIFTS = 40_000;
const RATIO_MIN = 0.5;
const STORE_ID = '0b6cbf9e-32c2-4f5b-9f0f-0d5a3c1e7a11';
const STARTS_MS = Date.parse('2026-05-13T10:00:00.000Z');

interface Load {
  readonly what: string;
  readonly viewers: number;
  readonly rooms: number;
}

const LOADS: readonly Load[] = [
  { what: 'spread out: 20,000 viewers, 2,000 rooms', viewers: 20_000, rooms: 2_000 },
  { what: 'hot: 500 viewers, 3 rooms', viewers: 500, rooms: 3 },
];

export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const load of LOADS) {
    const log = giftsOf(load);
    const reference = await withRedis((url) => writeRaw(url, log));
    const figure = await withRedis((url) => project(url, log));
    rows.push({
      bench: BENCH,
      what: `${load.what}, batches of ${BATCH_EVENTS_ADVISED}`,
      figure,
      unit: 'gifts/s',
      reference: { what: 'raw batched Lua writes of the same keys', figure: reference },
      goal: `${RATIO_MIN} of raw`,
      reached: figure >= RATIO_MIN * reference,
    });
  }
  return rows;
}

/** Cut into batches and applied, as the projector does it: the next batch when all partitions have the last one. */
async function project(url: string, log: readonly RecordedEvent[]): Promise<number> {
  const model = await openRedisReadModel({ url, foldVersion: 1, partitionCount: PARTITIONS });
  let from: (Position | null)[] = Array.from({ length: PARTITIONS }, () => null);
  const started = performance.now();
  for (const batches of cut(log, () => from)) {
    const results = await Promise.all(batches.map((batch) => model.apply(batch)));
    if (results.some(({ applied }) => !applied)) throw new Error('a batch was refused');
    from = batches.map(({ to }) => to);
  }
  const seconds = (performance.now() - started) / 1_000;
  await model.close();
  return log.length / seconds;
}

function* cut(log: readonly RecordedEvent[], from: () => (Position | null)[]): Generator<ReadModelBatch[]> {
  for (let start = 0; start < log.length; start += BATCH_EVENTS_ADVISED) {
    const events = log.slice(start, start + BATCH_EVENTS_ADVISED);
    yield batchesOf(events, { storeId: STORE_ID, from: from(), to: events.at(-1)!.position, nowMs: Date.now() });
  }
}

const RAW = `
for _, command in ipairs(cjson.decode(ARGV[1])) do redis.call(unpack(command)) end
return 1`;

/** One script a partition and batch, one command a key: nothing is read, nothing is computed, nothing is taken off a board. */
async function writeRaw(url: string, log: readonly RecordedEvent[]): Promise<number> {
  const redis = new Redis(url, { protocol: 2, scripts: { raw: { lua: RAW, numberOfKeys: 1 } } });
  const raw = redis as unknown as { raw(key: string, commands: string): Promise<unknown> };
  let from: (Position | null)[] = Array.from({ length: PARTITIONS }, () => null);
  let seconds = 0;
  for (const batches of cut(log, () => from)) {
    const scripts = batches.map((batch) => rawCommands(batch));
    from = batches.map(({ to }) => to);
    const started = performance.now();
    await Promise.all(scripts.map((commands, partition) => raw.raw(`{p${partition}}`, JSON.stringify(commands))));
    seconds += (performance.now() - started) / 1_000;
  }
  redis.disconnect();
  return log.length / seconds;
}

/** What a batch sets in a partition: each row once; on each board and window each member once, in its order and by its id. */
function rawCommands({ partition, writes, to }: ReadModelBatch): string[][] {
  const keys = new Map<string, Map<string, string>>();
  const set = (key: string, field: string, value: string): void => {
    const fields = keys.get(key);
    if (fields === undefined) keys.set(key, new Map([[field, value]]));
    else fields.set(field, value);
  };
  set(`HSET {p${partition}}checkpoint`, 'position', to);
  for (const write of writes) {
    if (write.kind === 'row') set(`HSET {p${partition}}${write.table}`, write.id, 'x'.repeat(100));
    if (write.kind === 'gift-scored') setGift(set, write, partition);
  }
  return Array.from(keys, ([key, fields]) => {
    const [command, name] = key.split(' ') as [string, string];
    const words = [...fields].flatMap(([field, value]) => (command === 'HSET' ? [field, value] : [value, field]));
    const rest = command === 'LPUSH' ? [...fields.keys()] : words;
    return [command, name, ...rest];
  });
}

function setGift(set: (key: string, field: string, value: string) => void, gift: GiftScoredWrite, partition: number) {
  const place = `${gift.position}:${gift.occurredAtMs}`;
  if (partitionOf({ room: gift.roomId }, PARTITIONS) === partition) {
    set(`LPUSH {p${partition}}room-gifts:${gift.roomId}`, gift.giftId, '');
  }
  for (const { board, member, amount } of scoresOf(gift)) {
    if (partitionOf({ board }, PARTITIONS) !== partition) continue;
    for (const window of WINDOWS) {
      const name = `{p${partition}}${board.kind}:${'id' in board ? board.id : ''}:${window}`;
      set(`ZADD board:${name}`, `${'9'.repeat(30)}:${member}`, String(amount));
      set(`HSET places:${name}`, member, place);
    }
  }
}

function giftsOf({ viewers, rooms }: Load): RecordedEvent[] {
  const revisions = new Map<number, number>();
  return Array.from({ length: GIFTS }, (_, index) => {
    const viewer = mixed(index) % viewers;
    const room = mixed(index + GIFTS) % rooms;
    const revision = (revisions.get(viewer) ?? 0) + 1;
    revisions.set(viewer, revision);
    return giftAt(index, `viewer-${viewer}`, room, revision);
  });
}

function giftAt(index: number, viewerId: string, room: number, revision: number): RecordedEvent {
  const occurredAt = new Date(STARTS_MS + index * 20).toISOString();
  return {
    id: 'a-gift',
    type: 'GiftSent',
    schemaVersion: 1,
    metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: occurredAt },
    stream: `wallet-${viewerId}`,
    revision,
    position: String(index + 1).padStart(16, '0') as Position,
    data: {
      giftId: `${viewerId}.${revision}`,
      roomId: `room-${room}`,
      creatorId: `creator-${room}`,
      viewerId,
      coins: 1 + (index % 5),
      diamonds: 50 * (1 + (index % 5)),
      balance: 1_000_000 - index,
      sender: { name: `Viewer ${viewerId}`, avatarUrl: null },
      occurredAt,
    },
  };
}

/** Scatters neighbours, the same way in every run. */
function mixed(index: number): number {
  let value = Math.imul(index + 1, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

async function withRedis(measure: (url: string) => Promise<number>): Promise<number> {
  const redis = await startRedis({ persistence: 'none' });
  try {
    return await measure(redis.url);
  } finally {
    await redis.stop();
  }
}
