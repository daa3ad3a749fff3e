import { startRedis, startRedisCluster, type LocalRedis, type LocalRedisCluster } from '@livegift/local-servers';
import type { ReadModel } from '@livegift/read-model';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { dumpOf, seeded } from '@livegift/read-model/contract';
import { describeWithServers } from '../support/servers.js';
import { RedisKeys } from './read-model-redis-keys.js';
import { dumpInMemory, follow, markAllBuilt, randomLog, type FoldOptions } from './read-model-redis-log.js';

jest.setTimeout(180_000);

const DAY_MS = 86_400_000;
const PARTITIONS = 8;
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

describeWithServers(['redis'], 'what Redis holds is what the log comes to', () => {
  describe('in one Redis', () => {
    let redis: LocalRedis;
    let keys: RedisKeys;
    const opened: ReadModel[] = [];

    beforeAll(async () => {
      redis = await startRedis({ persistence: 'none' });
      keys = new RedisKeys(redis.url, false);
    });
    afterEach(() => Promise.all(opened.splice(0).map((model) => model.close())));
    afterAll(async () => {
      keys.close();
      await redis.stop();
    });

    it.each([1, 2, 3, 4])(
      'whoever applies it, however it is cut, and whatever falls back meanwhile (seed %s)',
      async (seed) => {
        const random = seeded(seed);
        const fold: FoldOptions = {
          utcOffset: ['+00:00', '+05:30', '-08:00'][random(3)]!,
          retentionMs: random(2) === 0 ? null : (1 + random(20)) * DAY_MS,
        };
        const keyPrefix = `fold-${seed}:`;
        const open = async (keptEntriesMax: number): Promise<ReadModel> => {
          const options = {
            ...fold,
            url: redis.url,
            foldVersion: 1,
            keyPrefix,
            partitionCount: PARTITIONS,
            keptEntriesMax,
          };
          opened.push(await openRedisReadModel(options));
          return opened.at(-1)!;
        };
        // Three processes at once, with much, little and nothing kept.
        const models = [await open(200_000), await open(50), await open(0)];
        const log = randomLog(random, 240);
        const followAll = (end: number) =>
          Promise.all(
            models.flatMap((model) => partitions.map((part) => follow(model, part, log, random, () => after(5), end))),
          );
        for (const end of [60, 120, 180]) {
          await followAll(end);
          const restore = await keys.remember(keyPrefix);
          await followAll(end + 30);
          await restore();
        }
        await followAll(log.entries.length);
        expect(await markAllBuilt(models[0]!, log)).toEqual(partitions.map(() => true));
        const expected = await dumpInMemory(log, fold);
        for (const model of models) expect(await dumpOf(model)).toEqual(expected);
      },
    );
  });

  describe('in a Redis Cluster', () => {
    let cluster: LocalRedisCluster;

    beforeAll(async () => {
      cluster = await startRedisCluster({ persistence: 'none' });
    });
    afterAll(() => cluster.stop());

    it('goes on rightly from the stored checkpoints when masters are killed while batches are applied', async () => {
      const random = seeded(7);
      const fold: FoldOptions = { utcOffset: '+05:30', retentionMs: null };
      const model = await openRedisReadModel({
        ...fold,
        url: cluster.nodes[0]!.url,
        foldVersion: 1,
        partitionCount: PARTITIONS,
      });
      const log = randomLog(random, 4_000);
      const followTo = (end: number) =>
        Promise.all(partitions.map((part) => follow(model, part, log, random, () => after(50), end)));
      const faults = { areOver: false };
      const killing = (async () => {
        for (const partition of [0, 3]) {
          await cluster.settled();
          const master = await cluster.masterOf(`{p${partition}}`);
          await master.kill();
          await cluster.settled();
          await master.start();
        }
        await cluster.settled();
      })().finally(() => (faults.areOver = true));
      let unavailable = 0;
      for (let end = 25; !faults.areOver; end = Math.min(end + 25, log.entries.length)) {
        for (const { unavailable: times } of await followTo(end)) unavailable += times;
        await after(50);
      }
      await killing;
      await followTo(log.entries.length);
      expect(await markAllBuilt(model, log)).toEqual(partitions.map(() => true));
      expect(await dumpOf(model)).toEqual(await dumpInMemory(log, fold));
      expect(unavailable).toBeGreaterThan(0);
      await model.close();
    });
  });
});
