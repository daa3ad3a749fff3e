import { describeLeasesContract, type LeasesHarness } from '@livegift/lease/contract';
import { openRedisLeases } from '@livegift/lease-redis';
import { silentTelemetry } from '@livegift/kernel';
import { startRedis, startRedisCluster } from '@livegift/local-servers';
import { describeWithServers } from '../support/servers.js';

const START_MS_MAX = 120_000;

jest.setTimeout(START_MS_MAX);

function harness(url: string, stop: () => Promise<void>): LeasesHarness {
  return {
    open: async () => openRedisLeases({ url, telemetry: silentTelemetry }),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: stop,
  };
}

describeWithServers(['redis'], 'leases in Redis', () => {
  describeLeasesContract('Redis', async () => {
    const redis = await startRedis();
    return harness(redis.url, () => redis.stop());
  });

  describeLeasesContract('Redis Cluster', async () => {
    const cluster = await startRedisCluster();
    return harness(cluster.url, () => cluster.stop());
  });
});
