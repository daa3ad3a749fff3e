import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openLmdbEventReader } from './lmdb-event-reader.js';
import { openLmdbEventStore } from './lmdb-event-store.js';

/** A process starts for each disk; the bound only ends a test that never would. */
jest.setTimeout(120_000);

/** Opens a store, and for each line of its input does what that says; answers each with a line of JSON. */
const WRITER = `
  import { createInterface } from 'node:readline';
  import { openLmdbEventStore } from '@livegift/event-store-lmdb';
  const say = (answer) => console.log(JSON.stringify(answer));
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
  const data = { pad: 'x'.repeat(300) };
  const event = () => ({ id: crypto.randomUUID(), type: 'SomethingHappened', schemaVersion: 1, data, metadata });
  const store = await openLmdbEventStore({ directory: process.argv[1], indexInMemoryEvents: 1024 });
  let n = 0;
  let appended = 0;
  const round = async () => {
    const appends = Array.from({ length: 150 }, () => store.append('wallet-' + n++, [event()], 'no-stream'));
    const outcomes = await Promise.allSettled(appends);
    appended += outcomes.filter(({ status }) => status === 'fulfilled').length;
    return outcomes.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
  };
  say({ obstacle: store.appendObstacle() });
  for await (const verb of createInterface({ input: process.stdin })) {
    if (verb === 'fill') {
      const failures = [];
      for (let failing = 0; failing < 10;) {
        const failed = await round();
        if (failed.length > 0) { failing++; failures.push(...failed); }
        if (n % 1500 === 0) {
          const position = await store.head();
          const snapshot = { stateVersion: 1, revision: n, position, bytes: new Uint8Array(40_000) };
          await store.saveSnapshot('wallet', snapshot).catch((error) => failures.push(error));
        }
      }
      const messages = [...new Set(failures.map(({ code, message }) => code + ' ' + message))];
      say({ appended, messages, obstacle: store.appendObstacle() });
    }
    if (verb === 'obstacle') say({ obstacle: store.appendObstacle() });
    if (verb === 'round') say({ failed: (await round()).length, appended });
    if (verb === 'close') { await store.close(); say({ closed: true }); process.exit(0); }
  }
`;

const [describeWithMounts, missing] = canMount()
  ? [describe, '']
  : [describe.skip, ' [missing: mount, and the right to use it]'];

describeWithMounts(`a full disk${missing}`, () => {
  let disk: string;
  let child: ChildProcess | null = null;

  beforeEach(() => (disk = mkdtempSync(join(tmpdir(), 'livegift-full-'))));
  afterEach(() => {
    child?.kill('SIGKILL');
    unmount(disk);
    rmSync(disk, { recursive: true, force: true });
  });

  const start = (): ((verb?: string) => Promise<Record<string, unknown>>) => {
    const args = ['--input-type=module', '-e', WRITER, join(disk, 'data')];
    child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let words = '';
    child.stderr!.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    return async (verb) => {
      if (verb !== undefined) child!.stdin!.write(`${verb}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`it ended with ${child!.exitCode ?? child!.signalCode}: ${words}`);
      return { ...(JSON.parse(value as string) as object), words };
    };
  };

  it.each([5_000, 5_500, 6_100, 6_900, 7_300, 8_000, 8_700, 9_400, 10_100, 11_000, 12_300, 14_000])(
    'of %p KB refuses appends by name and ends nothing; with space again they go on by themselves',
    async (kilobytes) => {
      mount(disk, kilobytes);
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(2_000_000));
      const ask = start();
      expect(await ask()).toMatchObject({ obstacle: null });
      const full = await ask('fill');
      const noSpace = expect.stringMatching(/data\.mdb: no space left on its disk$/);
      expect(full).toMatchObject({ obstacle: noSpace, words: '' });
      expect(full['messages']).toEqual([expect.stringMatching(/^unavailable .*: no space left on its disk$/)]);
      rmSync(join(disk, 'ballast'));
      while ((await ask('obstacle'))['obstacle'] !== null);
      const after = await ask('round');
      expect(after).toEqual({ failed: 0, appended: (full['appended'] as number) + 150, words: '' });
      expect(await ask('close')).toMatchObject({ closed: true });
      const reader = await openLmdbEventReader({ directory: join(disk, 'data') });
      let events = 0;
      for await (const block of reader.verify()) {
        expect(block.damage).toBeNull();
        events += block.events;
      }
      await reader.close();
      expect(events).toBe(after['appended']);
    },
  );

  it('at the start is said in one sentence, with a store and without one', async () => {
    mount(disk, 4_000);
    const directory = join(disk, 'data');
    const store = await openLmdbEventStore({ directory });
    await store.close();
    const ballast = Buffer.alloc(statfsSync(disk).bavail * statfsSync(disk).bsize);
    writeFileSync(join(disk, 'ballast'), ballast);
    mkdirSync(join(disk, 'other'), { recursive: true });
    for (const full of [directory, join(disk, 'other')]) {
      const opening = openLmdbEventStore({ directory: full });
      await expect(opening).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('no space'),
      });
    }
  });
});

function mount(directory: string, kilobytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', directory]);
}

function unmount(directory: string): void {
  try {
    execFileSync('umount', ['-l', directory], { stdio: 'ignore' });
  } catch {
    // Nothing was mounted.
  }
}

function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'livegift-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', directory], { stdio: 'ignore' });
    unmount(directory);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
