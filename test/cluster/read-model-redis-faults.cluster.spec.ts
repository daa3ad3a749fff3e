import { silentTelemetry, type Telemetry } from '@livegift/kernel';
import { startRedis, type LocalRedis } from '@livegift/local-servers';
import type { ReadModel } from '@livegift/read-model';
import { openRedisReadModel, type RedisReadModelOptions } from '@livegift/read-model-redis';
import { applySpan, dumpOf, MadeLog, positionAt, seeded } from '@livegift/read-model/contract';
import { describeWithServers } from '../support/servers.js';
import { RedisKeys } from './read-model-redis-keys.js';
import { dumpInMemory, follow, markAllBuilt } from './read-model-redis-log.js';

jest.setTimeout(120_000);

const PARTITIONS = 4;
const PASSWORD = 'open sesame/@:';
const AT = Date.parse('2026-05-13T10:20:30.400Z');
const HOUR_MS = 3_600_000;
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeWithServers(['redis'], 'the read model when Redis fails', () => {
  let redis: LocalRedis;
  let keys: RedisKeys;
  let cases = 0;
  let keyPrefix = '';
  const told: string[] = [];
  const opened: ReadModel[] = [];
  const tell = (message: string, fields?: object): void => void told.push(message + JSON.stringify(fields));
  const telemetry: Telemetry = { ...silentTelemetry, info: tell, warn: tell, error: tell };

  beforeAll(async () => {
    redis = await startRedis({ password: PASSWORD });
    keys = new RedisKeys(redis.url, false);
  });
  beforeEach(() => (keyPrefix = `fault-${++cases}:`));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((model) => model.close()));
    expect(told.join('\n')).not.toContain('sesame');
  });
  afterAll(async () => {
    keys.close();
    await redis.stop();
  });

  const open = async (options: Partial<RedisReadModelOptions> = {}): Promise<ReadModel> => {
    const defaults = { url: redis.url, foldVersion: 1, keyPrefix, partitionCount: PARTITIONS, telemetry };
    const model = await openRedisReadModel({ ...defaults, ...options });
    opened.push(model);
    return model;
  };

  const applyAll = (model: ReadModel, log: MadeLog) =>
    Promise.all(partitions.map((partition) => follow(model, partition, log, seeded(1), () => after(20))));

  async function filled(options: Partial<RedisReadModelOptions> = {}): Promise<{ model: ReadModel; log: MadeLog }> {
    const model = await open(options);
    const log = new MadeLog();
    for (let i = 0; i < 40; i++) log.gift(`v${i % 7}`, 1, { roomId: `room-${i % 5}`, occurredAtMs: AT + i * HOUR_MS });
    await applyAll(model, log);
    await markAllBuilt(model, log);
    return { model, log };
  }

  const total = async (model: ReadModel): Promise<number> =>
    (await model.board({ board: { kind: 'gifters' }, window: 'all', atMs: 0, limit: 1 })).total;

  async function comesBack(model: ReadModel): Promise<void> {
    for (let error: unknown = null; ; await after(50)) {
      error = await model.checkpoint(0).catch((reason: unknown) => reason);
      if (!(error instanceof Error)) return;
      expect(error).toMatchObject({ name: 'ReadModelError', code: 'unavailable' });
    }
  }

  it('is unavailable while Redis is away, also for who waits, and goes on when it is back', async () => {
    const { model, log } = await filled();
    const waiting = model.waitFor('rooms', positionAt(1_000), 60_000).catch((error: unknown) => error);
    await redis.kill();
    expect(await waiting).toMatchObject({ code: 'unavailable' });
    await expect(total(model)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(applySpan(model, 0, log, 40, 40)).rejects.toMatchObject({ code: 'unavailable' });
    await redis.start();
    await comesBack(model);
    expect(await total(model)).toBe(7);
  });

  it('opens without Redis, and is there when Redis is', async () => {
    await redis.kill();
    const model = await open();
    await expect(model.wallet('ann')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await redis.start();
    await comesBack(model);
    await expect(model.wallet('ann')).rejects.toMatchObject({ code: 'rebuilding' });
  });

  it('does not wait for a Redis that does not answer', async () => {
    const { model } = await filled({ answerMsMax: 100 });
    redis.pause();
    await expect(total(model)).rejects.toMatchObject({ code: 'unavailable' });
    redis.resume();
    await comesBack(model);
    expect(await total(model)).toBe(7);
  });

  it('opens before a Redis answers that takes connections and is silent', async () => {
    redis.pause();
    const opening = open();
    const first = await new Promise<string>((say) => {
      const impatient = setTimeout(say, 20_000, 'still waiting');
      void opening.then(() => {
        clearTimeout(impatient);
        say('opened');
      });
    });
    redis.resume();
    expect(first).toBe('opened');
    await comesBack(await opening);
  });

  it('tells nothing of a wrong password', async () => {
    const url = redis.url.replace(encodeURIComponent(PASSWORD), 'sesame-again');
    const error: unknown = await (await open({ url })).wallet('ann').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(JSON.stringify(error) + String(error)).not.toContain('sesame');
  });

  it('sends its scripts again to a Redis that has forgotten them', async () => {
    const { model, log } = await filled();
    await redis.ask('SCRIPT', 'FLUSH');
    log.gift('late', 1);
    await applyAll(model, log);
    expect(await total(model)).toBe(8);
  });

  it('drops a partition of which a batch was written in part, instead of counting that batch again', async () => {
    const model = await open({ partitionCount: 1 });
    const log = new MadeLog();
    const gift = (): unknown => log.gift('v1', 1, { roomId: 'room-1', occurredAtMs: AT });
    gift();
    await follow(model, 0, log, seeded(1), () => after(20));
    await markAllBuilt(model, log);
    const board = `${keyPrefix}v1:{p0}:board:gifters:all`;
    expect(await redis.ask('DEL', board)).toBe('1');
    await redis.ask('SET', board, 'of somebody else');
    gift();
    const applied = applySpan(model, 0, log, 1, 2);
    await expect(applied).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('WRONGTYPE') as string,
    });
    await expect(model.wallet('v1')).rejects.toMatchObject({ code: 'rebuilding' });
    await follow(model, 0, log, seeded(1), () => after(20));
    await markAllBuilt(model, log);
    expect(await dumpOf(model)).toEqual(await dumpInMemory(log, { utcOffset: '+00:00', retentionMs: null }));
  });

  it('frees expired boards, and nothing else, a few with each batch', async () => {
    const kept = await filled();
    const all = await keys.names(keyPrefix);
    const hours = all.filter((name) => name.includes(':hour:'));
    expect(hours.length).toBeGreaterThan(200);
    const model = await open({ retentionMs: HOUR_MS });
    for (let i = 0; i < 20; i++) kept.log.gift('v1', 1, { occurredAtMs: AT + 39 * HOUR_MS, roomId: 'room-1' });
    for (let at = 40; at < 60; at++) {
      for (const partition of partitions) {
        expect(await applySpan(model, partition, kept.log, at, at + 1)).toEqual({ applied: true });
      }
    }
    const left = await keys.names(keyPrefix);
    // The newest gift is of 01:20 on the 15th: a period that ended by 00:20 is gone.
    const living = (name: string): boolean =>
      !/:(hour|day|week|month):/.test(name) ||
      /:(hour:2026-05-15T0[01]|day:2026-05-15|week:2026-05-11|month:2026-05)$/.test(name);
    expect(left).toEqual([...new Set([...all, ...left].filter(living))].sort());
    expect(left.length).toBeLessThan(all.length - 200);
  });

  it('is built anew, beside the old one, when the meaning of events has changed', async () => {
    const { model, log } = await filled();
    const next = await open({ foldVersion: 2 });
    expect(await Promise.all(partitions.map((partition) => next.checkpoint(partition)))).toEqual(
      partitions.map(() => null),
    );
    await applyAll(next, log);
    await markAllBuilt(next, log);
    expect(await total(next)).toBe(await total(model));
    await next.drop(0);
    expect(await model.checkpoint(0)).not.toBeNull();
  });

  it('frees everything of what is dropped, also when whoever dropped it died on the way', async () => {
    const { model, log } = await filled();
    for (const partition of partitions) await model.drop(partition);
    expect(await keys.names(keyPrefix)).toEqual([]);
    await applyAll(model, log);
    const before = await keys.names(keyPrefix);
    // As after the first call of a drop: no checkpoint any more, and the keys still there.
    for (const partition of partitions) {
      await redis.ask('DEL', `${keyPrefix}v1:{p${partition}}:checkpoint`);
      await redis.ask('HSET', `${keyPrefix}v1:{p${partition}}:checkpoint`, 'dropping', '1');
    }
    await applyAll(await open(), log);
    expect(await keys.names(keyPrefix)).toEqual(before);
    await markAllBuilt(model, log);
    const { entries } = await model.board({ board: { kind: 'gifters' }, window: 'all', atMs: 0, limit: 10 });
    expect(entries.reduce((sum, { score }) => sum + score, 0)).toBe(40);
  });

  it('ends what waits in one process when another one drops the partition', async () => {
    const { model } = await filled();
    const waiting = model.waitFor('rooms', positionAt(1_000), 60_000).catch((error: unknown) => error);
    const other = await open();
    for (const partition of partitions) await other.drop(partition);
    expect(await waiting).toMatchObject({ code: 'rebuilding' });
  });

  it('refuses to go on from what was built with other partitions or another offset', async () => {
    const { log } = await filled();
    const other = await open({ utcOffset: '+05:30' });
    await expect(other.checkpoint(0)).rejects.toMatchObject({ code: 'checkpoint-foreign' });
    await expect(applySpan(other, 0, log, 40, 40)).rejects.toMatchObject({ code: 'checkpoint-foreign' });
    await expect(other.wallet('ann')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('lets only so many wait', async () => {
    const { model } = await filled({ waitersMax: 2 });
    const waiting = [1, 2].map(() => model.waitFor('rooms', positionAt(1_000), 300));
    await expect(model.waitFor('rooms', positionAt(1), 300)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await Promise.all(waiting)).toEqual([false, false]);
    expect(await model.waitFor('rooms', positionAt(1), 300)).toBe(true);
  });

  it('keeps half characters of a name from stopping a batch', async () => {
    const model = await open();
    const log = new MadeLog();
    log.gift('ann', 1, { name: 'half \ud83d' });
    await applyAll(model, log);
    await markAllBuilt(model, log);
    const { entries } = await model.board({ board: { kind: 'gifters' }, window: 'all', atMs: 0, limit: 10 });
    expect(entries.map(({ name }) => name)).toEqual(['half \ufffd']);
  });
});
