import { CLUSTER_APPS, type ClusterAppName } from '@livegift/local-servers';
import type { Chances } from '../crash/chances.js';
import type { Cluster } from '../support/cluster.js';

/** Longer than a lease lasts: meanwhile another process takes over, and then there are two. */
const HELD_UP_MS_MIN = 9_500;
const HELD_UP_MS_MAX = 12_000;
/** So long ago is the data with which Redis comes back after a failover. */
const FALLEN_BACK_MS_MIN = 500;
const FALLEN_BACK_MS_MAX = 4_000;
const AWAY_MS_MAX = 2_000;

/** One thing that goes wrong, and is mended again when `strike` resolves; processes may still be getting ready then. */
export interface Fault {
  readonly kind: string;
  strike(cluster: Cluster, chances: Chances): Promise<void>;
}

/** Longer than the nodes of a Redis Cluster wait for one another, so that a replica takes over. */
const MASTER_HELD_UP_MS_MIN = 3_000;
const MASTER_HELD_UP_MS_MAX = 6_000;

const after = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Faults of the apps' processes. */
export const APP_FAULTS: readonly Fault[] = CLUSTER_APPS.flatMap((app) => [killed(app), heldUp(app)]);

const OTHER_SERVER_FAULTS: readonly Fault[] = [
  {
    kind: 'Kafka killed',
    strike: ({ kafka }, chances) => away(kafka, chances),
  },
  {
    kind: 'Kafka held up',
    strike: ({ kafka }, chances) => standsStill(kafka, chances.between(HELD_UP_MS_MIN, HELD_UP_MS_MAX)),
  },
  {
    kind: 'event store killed',
    strike: ({ eventStore }, chances) => away(eventStore, chances),
  },
  {
    kind: 'event store held up',
    strike: ({ eventStore }, chances) => standsStill(eventStore, chances.between(HELD_UP_MS_MIN, HELD_UP_MS_MAX)),
  },
];

/** Faults of the servers, where there is one Redis. */
export const SERVER_FAULTS: readonly Fault[] = [
  ...OTHER_SERVER_FAULTS,
  {
    kind: 'Redis killed',
    strike: ({ redis }, chances) => away(redis, chances),
  },
  {
    kind: 'Redis held up',
    strike: ({ redis }, chances) => standsStill(redis, chances.between(HELD_UP_MS_MIN, HELD_UP_MS_MAX)),
  },
  {
    kind: 'Redis fell back',
    strike: async ({ redis }, chances) => {
      const then = await redis.snapshot();
      await after(chances.between(FALLEN_BACK_MS_MIN, FALLEN_BACK_MS_MAX));
      await redis.kill();
      redis.restore(then);
      await redis.start();
    },
  },
  {
    kind: 'Redis came back empty',
    strike: async ({ redis }) => {
      await redis.kill();
      redis.wipe();
      await redis.start();
    },
  },
];

/** Faults of the servers, where there is a Redis Cluster. */
export const CLUSTERED_SERVER_FAULTS: readonly Fault[] = [
  ...OTHER_SERVER_FAULTS,
  {
    kind: 'Redis master killed',
    strike: async ({ redisCluster }, chances) => {
      await redisCluster.settled();
      const master = chances.pick(await redisCluster.masters());
      await master.kill();
      await redisCluster.settled();
      await master.start();
    },
  },
  {
    kind: 'Redis master held up',
    strike: async ({ redisCluster }, chances) => {
      await redisCluster.settled();
      const master = chances.pick(await redisCluster.masters());
      await standsStill(master, chances.between(MASTER_HELD_UP_MS_MIN, MASTER_HELD_UP_MS_MAX));
      await redisCluster.settled();
    },
  },
];

interface Paused {
  pause(): void;
  resume(): void;
}

/** It is there, and answers nobody. */
async function standsStill(held: Paused, ms: number): Promise<void> {
  held.pause();
  await after(ms);
  held.resume();
}

async function away(server: { kill(): Promise<void>; start(): Promise<void> }, chances: Chances): Promise<void> {
  await server.kill();
  await after(chances.between(0, AWAY_MS_MAX));
  await server.start();
}

/** Mostly kill -9; now and then an orderly end, or another kill while it is still starting. */
function killed(app: ClusterAppName): Fault {
  return {
    kind: `${app} killed`,
    strike: async (cluster, chances) => {
      const process = chances.pick(cluster.appsOf(app));
      if (chances.oneIn(6)) await process.stop();
      else await process.kill();
      if (chances.oneIn(4)) {
        process.start();
        await after(chances.between(50, AWAY_MS_MAX));
        await process.kill();
      }
      await after(chances.between(0, AWAY_MS_MAX));
      process.start();
    },
  };
}

/** It stands still for so long that others take it for dead, and then goes on as if nothing had happened. */
function heldUp(app: ClusterAppName): Fault {
  return {
    kind: `${app} held up`,
    strike: (cluster, chances) =>
      standsStill(chances.pick(cluster.appsOf(app)), chances.between(HELD_UP_MS_MIN, HELD_UP_MS_MAX)),
  };
}
