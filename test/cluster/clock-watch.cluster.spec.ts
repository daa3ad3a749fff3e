/** The time of a real Redis, against a process's clock that a test sets. */
import { silentTelemetry } from '@livegift/kernel';
import { openRedisLeases } from '@livegift/lease-redis';
import { startRedis, type LocalRedis } from '@livegift/local-servers';
import { ClockWatch, redisTime, systemScheduler } from '@livegift/process';
import { describeWithServers } from '../support/servers.js';

describeWithServers(['redis'], 'a process that compares its clock with Redis', () => {
  let redis: LocalRedis;
  beforeAll(async () => {
    redis = await startRedis({ persistence: 'none' });
  }, 60_000);
  afterAll(() => redis?.stop());

  it.each([
    ['an hour ahead', 3_600_000, /^the clock of this process is 3(600|599)\.\d s ahead of redis$/],
    ['an hour behind', -3_600_000, /^the clock of this process is 3(600|599)\.\d s behind redis$/],
    ['right', 0, null],
  ])('finds it %s', async (_, aheadMs, refusal) => {
    const leases = openRedisLeases({ url: redis.url, telemetry: silentTelemetry });
    const clock = { now: () => Date.now() + aheadMs, elapsedMs: () => performance.now() };
    const watch = new ClockWatch({
      references: [redisTime(leases)],
      clock,
      scheduler: systemScheduler,
      telemetry: silentTelemetry,
      clockSkewMsMax: 10_000,
    });
    try {
      await watch.start();
      expect(Math.abs(watch.skew()!.aheadMs - aheadMs)).toBeLessThan(1_000);
      if (refusal === null) expect(watch.refusal()).toBeNull();
      else expect(watch.refusal()).toMatch(refusal);
    } finally {
      watch.stop();
      await leases.close();
    }
  });

  it('knows nothing while Redis is away, and refuses nothing for it', async () => {
    const leases = openRedisLeases({ url: 'redis://127.0.0.1:1', telemetry: silentTelemetry });
    const clock = { now: () => Date.now() + 3_600_000, elapsedMs: () => performance.now() };
    const outside = { clock, scheduler: systemScheduler, telemetry: silentTelemetry };
    const watch = new ClockWatch({ references: [redisTime(leases)], ...outside, clockSkewMsMax: 10_000 });
    await watch.start();
    expect([watch.skew(), watch.refusal()]).toEqual([null, null]);
    watch.stop();
    await leases.close();
  });
});
