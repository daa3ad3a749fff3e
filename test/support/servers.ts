/// <reference types="jest" />
import { findKafka, findRedis, startKafka, startRedis } from '@livegift/local-servers';

export type NeededServer = 'redis' | 'kafka';

/** Where a test only talks to a server: the one that the environment names, or else one of our own. */
export interface ServerInUse {
  readonly address: string;
  stop(): Promise<void>;
}

export async function redisInUse(): Promise<ServerInUse> {
  const named = process.env.REDIS_URL;
  if (named) return { address: named, stop: () => Promise.resolve() };
  const redis = await startRedis();
  return { address: redis.url, stop: () => redis.stop() };
}

export async function kafkaInUse(): Promise<ServerInUse> {
  const named = process.env.KAFKA_BROKERS;
  if (named) return { address: named, stop: () => Promise.resolve() };
  const kafka = await startKafka();
  return { address: kafka.brokers, stop: () => kafka.stop() };
}

/**
 * Declares a suite that starts these servers (a Redis Cluster needs what a Redis needs). Where one cannot be had, the
 * suite fails with `CI=true`; elsewhere it is skipped, and the closing line of the run names it with the reason.
 */
export function describeWithServers(needed: readonly NeededServer[], title: string, body: () => void): void {
  const reasons = needed.map(missingReason).filter((reason) => reason !== null);
  if (reasons.length === 0) {
    describe(title, body);
  } else if (process.env.CI === 'true') {
    describe(title, () => {
      it('has its servers', () => {
        throw new Error(reasons.join('; '));
      });
    });
  } else {
    // oxlint-disable-next-line jest/no-disabled-tests -- counted and named at the end of the run
    describe.skip(`${title} [missing: ${reasons.join('; ')}]`, body);
  }
}

function missingReason(server: NeededServer): string | null {
  const found = server === 'redis' ? findRedis() : findKafka();
  if (!('missing' in found)) return null;
  const tried = JSON.parse(process.env.LIVEGIFT_MISSING_SERVERS ?? '{}') as Partial<Record<NeededServer, string>>;
  return tried[server] ?? found.missing;
}
