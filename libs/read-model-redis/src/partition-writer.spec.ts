import type { Position } from '@livegift/kernel';
import { ReadModelError, type ReadModelBatch } from '@livegift/read-model';
import type { RedisConnection } from './connection.js';
import { PartitionKeys, PeriodNames } from './keys.js';
import { KeptBudget } from './kept-state.js';
import { PartitionWriter } from './partition-writer.js';
import { emptyRow } from './row.js';
import { CHECKPOINT_FIELDS } from './scripts.js';

const AT = Date.parse('2026-05-13T10:20:30.400Z');
const positionAt = (index: number): Position => String(index).padStart(16, '0') as Position;

type Command = readonly (string | number)[];

/** A Redis in which nothing stands but, perhaps, a row of Ann; its batches may be lost on their way. */
class FakeRedis {
  isLosing = false;
  position: Position | null = null;
  row: string | null = null;
  /** Of the batches that came. */
  readonly applied: Command[][] = [];
  /** Of each script that came: the keys that it was told of, and those that its commands name. */
  readonly keys: { readonly told: readonly unknown[]; readonly named: ReadonlySet<unknown> }[] = [];

  constructor(readonly isCluster = false) {}

  readonly script = async (name: string, words: readonly unknown[]): Promise<unknown> => {
    const told = words.slice(1, 1 + (words[0] as number));
    this.keys.push({ told, named: new Set((JSON.parse(words.at(-1) as string) as Command[]).map(([, key]) => key)) });
    if (name === 'livegiftRead') {
      const commands = JSON.parse(words.at(-1) as string) as Command[];
      const { position } = this;
      const checkpoint = CHECKPOINT_FIELDS.map((field) =>
        position === null ? null : field === 'storeId' ? 's' : field === 'position' ? position : null,
      );
      const isRow = ([, key]: Command): boolean => String(key).endsWith('wallets');
      return [checkpoint, ...commands.map((command) => command.slice(2).map(() => (isRow(command) ? this.row : null)))];
    }
    if (this.isLosing) throw new ReadModelError('unavailable', 'the connection broke');
    this.applied.push(JSON.parse(words.at(-1) as string) as Command[]);
    return 1;
  };
}

function batch(from: number | null, to: number, coins: number): ReadModelBatch {
  const gift = { giftId: 'ann.1', roomId: 'r', creatorId: 'cleo', viewerId: 'ann', coins, diamonds: 50 * coins };
  return {
    partition: 0,
    storeId: 's',
    from: from === null ? null : positionAt(from),
    to: positionAt(to),
    newestRecordedMs: AT,
    writes: [
      { kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: coins } },
      { kind: 'gift-scored', ...gift, position: positionAt(to), occurredAtMs: AT, name: null },
    ],
  };
}

/** What the last batch made of the row, and of the score on the board of gifters. */
function written(redis: FakeRedis): { readonly spentCoins: number; readonly score: number } {
  const commands = redis.applied.at(-1)!;
  const valueOf = (name: string, key: RegExp): string =>
    String(commands.find((command) => command[0] === name && key.test(String(command[1])))![name === 'HSET' ? 3 : 2]);
  const { spentCoins } = JSON.parse(valueOf('HSET', /wallets$/)) as { spentCoins: number };
  return { spentCoins, score: Number(valueOf('ZADD', /board:gifters:all$/)) };
}

const writerOver = (redis: FakeRedis): PartitionWriter =>
  new PartitionWriter(new PartitionKeys('t:', 0), {
    connection: redis as unknown as RedisConnection,
    periods: new PeriodNames(0),
    budget: new KeptBudget(1_000),
    layout: 'l',
    partitionCount: 1,
    retentionMs: null,
    applyMsMax: 1_000,
  });

describe('what is kept of a partition', () => {
  it('counts a batch once that was lost on its way and is sent again', async () => {
    const redis = new FakeRedis();
    const writer = writerOver(redis);
    redis.isLosing = true;
    await expect(writer.apply(batch(null, 1, 3))).rejects.toMatchObject({ code: 'unavailable' });
    redis.isLosing = false;
    expect(await writer.apply(batch(null, 1, 3))).toEqual({ applied: true });
    expect(written(redis)).toEqual({ spentCoins: 3, score: 3 });
    expect(await writer.apply(batch(1, 2, 4))).toEqual({ applied: true });
    expect(written(redis)).toEqual({ spentCoins: 7, score: 7 });
  });

  it('is read anew where another projector has brought the partition on', async () => {
    const redis = new FakeRedis();
    const writer = writerOver(redis);
    await writer.apply(batch(null, 1, 3));
    redis.position = positionAt(5);
    redis.row = JSON.stringify({ ...emptyRow('wallet'), spentCoins: 100 });
    expect(await writer.apply(batch(5, 6, 4))).toEqual({ applied: true });
    expect(written(redis).spentCoins).toBe(104);
  });
});

describe('the keys of a script', () => {
  // A slot that moves stands on two nodes: only of keys that it is told of does a node see beforehand that one is not there.
  it('are all that its commands name, on a Redis Cluster', async () => {
    const redis = new FakeRedis(true);
    await writerOver(redis).apply(batch(null, 1, 3));
    expect(redis.keys.length).toBeGreaterThan(1);
    for (const { told, named } of redis.keys) {
      expect(told[0]).toBe(new PartitionKeys('t:', 0).checkpoint);
      expect(new Set(told).size).toBe(told.length);
      expect([...named].filter((key) => !told.includes(key))).toEqual([]);
    }
  });

  it('are its own, on a single Redis', async () => {
    const redis = new FakeRedis();
    await writerOver(redis).apply(batch(null, 1, 3));
    const { checkpoint, made } = new PartitionKeys('t:', 0);
    expect(redis.keys.at(-1)!.told).toEqual([checkpoint, made]);
    for (const { told } of redis.keys.slice(0, -1)) expect(told).toEqual([checkpoint]);
  });
});
