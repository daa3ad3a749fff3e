import { startRedis, startRedisCluster } from '@livegift/local-servers';
import { describeReadModelContract, type ReadModelHarness } from '@livegift/read-model/contract';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { RedisKeys } from './read-model-redis-keys.js';
import { describeWithServers } from '../support/servers.js';

jest.setTimeout(120_000);

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

let opened = 0;

/** Every case has keys of its own in the same Redis. */
function harnessOf(server: Server, isCluster: boolean, keptEntriesMax?: number): ReadModelHarness {
  const keys = new RedisKeys(server.url, isCluster);
  const prefixes = new WeakMap<object, string>();
  return {
    open: async (options) => {
      const keyPrefix = `case-${++opened}:`;
      const model = await openRedisReadModel({
        ...options,
        url: server.url,
        foldVersion: 1,
        keyPrefix,
        partitionCount: 16,
        keptEntriesMax,
      });
      prefixes.set(model, keyPrefix);
      return model;
    },
    remember: (model) => keys.remember(prefixes.get(model)!),
    close: async () => {
      keys.close();
      await server.stop();
    },
  };
}

describeWithServers(['redis'], 'read models in Redis', () => {
  describeReadModelContract('Redis', async () => harnessOf(await startRedis({ persistence: 'none' }), false));

  // Everything that a batch touches is read again.
  describeReadModelContract('Redis, keeping nothing', async () =>
    harnessOf(await startRedis({ persistence: 'none' }), false, 0),
  );

  describeReadModelContract('Redis Cluster', async () =>
    harnessOf(await startRedisCluster({ persistence: 'none' }), true),
  );
});
