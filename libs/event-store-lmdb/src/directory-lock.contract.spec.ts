import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDirectory } from './directory-lock.js';
import { openLmdbEventStore } from './lmdb-event-store.js';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');

describe('the lock of a directory', () => {
  let directory: string;
  let path: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-lock-'));
    path = join(directory, 'writer.lock');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const someProcess = (): ChildProcess => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const writeLock = (holder: object): void => {
    writeFileSync(
      path,
      JSON.stringify({ host: hostname(), processStart: null, since: 'then', token: randomUUID(), ...holder }),
    );
  };

  it('is held until it is released, and leaves nothing behind', () => {
    const lock = lockDirectory(directory, NOW_MS);
    expect(() => lockDirectory(directory, NOW_MS)).toThrow(expect.objectContaining({ code: 'held' }));
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
    lockDirectory(directory, NOW_MS).release();
  });

  it('says who holds it, and since when', () => {
    const lock = lockDirectory(directory, NOW_MS);
    const message = expect.stringContaining(`process ${process.pid} on ${hostname()}`) as string;
    expect(() => lockDirectory(directory, NOW_MS)).toThrow(expect.objectContaining({ message }));
    expect(() => lockDirectory(directory, NOW_MS)).toThrow('since 2026-03-01T12:00:00.000Z');
    lock.release();
  });

  it('is respected while its process lives, and taken over once that was killed', async () => {
    const holder = someProcess();
    writeLock({ pid: holder.pid });
    expect(() => lockDirectory(directory, NOW_MS)).toThrow(`process ${holder.pid}`);
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    const lock = lockDirectory(directory, NOW_MS);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken over when its pid is another process by now', () => {
    if (!existsSync('/proc/self/stat')) return;
    writeLock({ pid: someProcess().pid, processStart: '1' });
    lockDirectory(directory, NOW_MS).release();
  });

  it('of another host is respected while it gives signs of life, and then taken over', () => {
    writeLock({ pid: 1, host: 'elsewhere' });
    utimesSync(path, NOW_MS / 1_000, NOW_MS / 1_000);
    expect(() => lockDirectory(directory, NOW_MS + 10_000)).toThrow('process 1 on elsewhere');
    lockDirectory(directory, NOW_MS + 60_000).release();
  });

  it('does not undo a lock that somebody else took meanwhile', () => {
    const lock = lockDirectory(directory, NOW_MS);
    writeLock({ pid: process.pid, token: 'of somebody else' });
    lock.release();
    expect(existsSync(path)).toBe(true);
  });

  it('keeps a second store out of the directory, and lets it in after the first', async () => {
    const first = await openLmdbEventStore({ directory });
    await expect(openLmdbEventStore({ directory })).rejects.toMatchObject({ code: 'held' });
    await first.close();
    const second = await openLmdbEventStore({ directory });
    expect(second.storeId).toBe(first.storeId);
    await second.close();
  });
});
