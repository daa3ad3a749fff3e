import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { silentTelemetry, type Scheduler } from '@livegift/kernel';
import { shareWork, type Leases, type SharedWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import { startRedis, type LocalRedis } from '@livegift/local-servers';
import { describeWithServers } from '../support/servers.js';

jest.setTimeout(180_000);

const PARTS = 7;
const GROUP = 'workers';
const PASSWORD = 'not-to-be-told';
const OPTIONS = { leaseMs: 3_000, renewEveryMs: 300, withoutLeasesMsMax: 1_000_000 };

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await after(20);
}

describeWithServers(['redis'], 'work shared through Redis', () => {
  let redis: LocalRedis;
  let workers: { readonly work: SharedWork; readonly leases: Leases; readonly kill: () => void }[];
  let said: string[];

  beforeEach(async () => {
    redis = await startRedis({ persistence: 'none', password: PASSWORD });
    workers = [];
    said = [];
  });

  afterEach(async () => {
    for (const { kill, leases } of workers) {
      kill();
      await leases.close();
    }
    await redis.stop();
  });

  function worker(holder: string): SharedWork {
    let isDead = false;
    const scheduler: Scheduler = {
      after: (delayMs, task) => {
        const timer = setTimeout(() => void (isDead || task()), delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    const note = (message: string, fields?: object): void => void said.push(`${message} ${JSON.stringify(fields)}`);
    const telemetry = { ...silentTelemetry, info: note, warn: note, error: note };
    const leases = openRedisLeases({ url: redis.url, telemetry });
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const group = { group: GROUP, partCount: PARTS, holder, options: OPTIONS };
    const work = shareWork({ leases, clock, scheduler, telemetry, ...group });
    workers.push({ work, leases, kill: () => (isDead = true) });
    work.start();
    return work;
  }

  /** Each part is held by one of these, and they hold about as many each. */
  function isFair(...works: readonly SharedWork[]): boolean {
    const sizes = works.map((work) => work.parts().size);
    const all = new Set(works.flatMap((work) => [...work.parts()]));
    const held = sizes.reduce((sum, size) => sum + size, 0);
    return all.size === PARTS && held === PARTS && Math.max(...sizes) - Math.min(...sizes) <= 1;
  }

  it('is spread evenly, taken over from the dead, and given back by those who stop', async () => {
    const [a, b, c] = [worker('a'), worker('b'), worker('c')];
    await until(() => isFair(a, b, c));
    workers[0]!.kill();
    await until(() => isFair(b, c));
    await b.stop();
    await until(() => isFair(c));
    const document = await redis.ask('get', `livegift:lease:${GROUP}`);
    expect(JSON.parse(document)).toEqual({
      members: [{ holder: 'c', untilMs: expect.any(Number), parts: [0, 1, 2, 3, 4, 5, 6] }],
    });
  });

  it('stays with whoever has it while Redis is away, and when that comes back empty', async () => {
    const [a, b] = [worker('a'), worker('b')];
    await until(() => isFair(a, b));
    const before = [a, b].map((work) => [...work.parts()]);
    await redis.kill();
    await until(() => said.some((line) => line.includes('keeping what is held')));
    await after(OPTIONS.leaseMs);
    expect([a, b].map((work) => [...work.parts()])).toEqual(before);
    await redis.start();
    await until(() => said.filter((line) => line.includes('answers again')).length === 2);
    await until(() => isFair(a, b));
    const third = worker('c');
    await until(() => isFair(a, b, third));
    expect(said.join('\n')).not.toContain(PASSWORD);
  });

  it('says why Redis cannot be reached', async () => {
    await redis.kill();
    const leases = openRedisLeases({ url: redis.url, telemetry: silentTelemetry });
    await expect(leases.read(GROUP)).rejects.toThrow('ECONNREFUSED');
    await leases.close();
    await redis.start();
  });

  it('does not go on waiting for a connection that has gone silent', async () => {
    const sockets: Socket[] = [];
    const { port } = redis;
    const door = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      if (sockets.length === 1) return;
      const onward = connect(port, '127.0.0.1').on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((listening) => door.listen(0, '127.0.0.1', listening));
    const url = redis.url.replace(String(port), String((door.address() as AddressInfo).port));
    const leases = openRedisLeases({ url, telemetry: silentTelemetry });
    await expect(leases.read(GROUP)).rejects.toMatchObject({ code: 'unavailable' });
    const answers = (): Promise<boolean> =>
      leases.read(GROUP).then(
        () => true,
        () => false,
      );
    while (!(await answers())) await after(100);
    await leases.close();
    for (const socket of sockets) socket.destroy();
    door.close();
  });
});
