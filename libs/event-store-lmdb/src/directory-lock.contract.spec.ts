import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisProcess, type DirectoryHolder } from './directory-holder.js';
import { holderOf, isDirectoryHeld, lockDirectory } from './directory-lock.js';
import { openLmdbEventStore } from './lmdb-event-store.js';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const ELSEWHERE = { kernel: 'another kernel', host: 'elsewhere', pid: 1 };

describe('the lock of a directory', () => {
  let folder: string;
  let directory: string;
  let path: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'livegift-lock-'));
    directory = folder;
    path = join(directory, 'writer.lock');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const lock = (silentMsMax?: number) => lockDirectory(directory, { nowMs: NOW_MS, silentMsMax });
  const someProcess = (): ChildProcess => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  /** That of a holder in this namespace, on a file system without sockets. */
  const writeLock = (holder: Partial<DirectoryHolder>): void => {
    const self = { ...thisProcess('of another', NOW_MS), socket: null, processStart: null };
    writeFileSync(path, JSON.stringify({ ...self, ...holder }));
  };
  const withoutSockets = (): string[] => readdirSync(directory).filter((name) => !name.endsWith('.sock'));

  it('is held until it is released, and leaves nothing behind', async () => {
    const first = await lock();
    await expect(lock()).rejects.toMatchObject({ code: 'held' });
    expect(await isDirectoryHeld(directory, NOW_MS)).toBe(true);
    expect(withoutSockets()).toEqual(['writer.lock']);
    first.release();
    expect(readdirSync(directory)).toEqual([]);
    (await lock()).release();
    expect(await isDirectoryHeld(directory, NOW_MS)).toBe(false);
  });

  it('says who holds it, and since when', async () => {
    const first = await lock();
    await expect(lock()).rejects.toThrow(
      `process ${process.pid} on ${hostname()} has held the directory since 2026-03-01T12:00:00.000Z`,
    );
    expect(await holderOf(directory, NOW_MS)).toEqual(first.holder);
    first.release();
  });

  it('is held in a directory whose path is too long for a socket', async () => {
    directory = join(folder, 'd'.repeat(120));
    mkdirSync(directory);
    const first = await lock();
    expect(first.holder.socket === null).toBe(process.platform !== 'linux');
    await expect(lock()).rejects.toMatchObject({ code: 'held' });
    first.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is free at once when its process was killed, also when its pid is another process by now', async () => {
    writeLock({ socket: 'writer.00000000-0000-4000-8000-000000000000.sock', pid: process.pid });
    (await lock()).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('without sockets is respected while its process lives, and taken over once that was killed', async () => {
    const holder = someProcess();
    writeLock({ pid: holder.pid });
    await expect(lock()).rejects.toThrow(`process ${holder.pid}`);
    await kill(holder);
    const taken = await lock();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    taken.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('without sockets is taken over when its pid is another process by now', async () => {
    if (!existsSync('/proc/self/stat')) return;
    writeLock({ pid: someProcess().pid, processStart: '1' });
    (await lock()).release();
  });

  it('of another kernel is respected while it gives signs of life, whatever the clocks say', async () => {
    writeLock(ELSEWHERE);
    let at = 0;
    const signs = setInterval(() => utimesSync(path, ++at, at), 20);
    await expect(lock(60_000)).rejects.toThrow('process 1 on elsewhere');
    clearInterval(signs);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject(ELSEWHERE);
  });

  it('of another kernel is taken over after a silence, whatever the clocks say', async () => {
    writeLock(ELSEWHERE);
    const future = Date.now() / 1_000 + 1_000_000;
    utimesSync(path, future, future);
    const waits: string[] = [];
    const onWait = ({ host }: DirectoryHolder): number => waits.push(host);
    const taken = await lockDirectory(directory, { nowMs: NOW_MS, silentMsMax: 300, onWait });
    expect(waits).toEqual(['elsewhere']);
    taken.release();
  });

  it('does not undo a lock that another process took meanwhile', async () => {
    const first = await lock();
    writeLock({ token: 'of another process' });
    first.release();
    expect(existsSync(path)).toBe(true);
  });

  it('keeps a second store out of the directory, and lets it in after the first', async () => {
    const first = await openLmdbEventStore({ directory });
    await expect(openLmdbEventStore({ directory })).rejects.toMatchObject({ code: 'held' });
    expect(existsSync(path)).toBe(true);
    await first.close();
    const second = await openLmdbEventStore({ directory });
    expect(second.storeId).toBe(first.storeId);
    await second.close();
  });
});
