import { randomUUID } from 'node:crypto';
import { closeSync, futimesSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EventStoreError } from '@livegift/event-store';
import { describeHolder, livenessOf, readHolder, signOfLife, thisProcess } from './directory-holder.js';
import type { DirectoryHolder } from './directory-holder.js';
import { listenInDirectory, removeSocket, type DirectorySocket } from './directory-socket.js';

const LOCK_FILE = 'writer.lock';
const ATTEMPTS_MAX = 8;
const SIGN_OF_LIFE_EVERY_MS = 5_000;
/** A holder that cannot be asked, because another kernel runs it, is taken for dead after so long without a sign of life. */
const SILENT_MS_MAX = 20_000;
const LOOK_EVERY_MS = 250;

export interface DirectoryLock {
  readonly holder: DirectoryHolder;
  release(): void;
}

export interface LockOptions {
  readonly nowMs: number;
  readonly silentMsMax?: number;
  /** Called before it waits for a sign of life of another holder. */
  readonly onWait?: (holder: DirectoryHolder, silentMsMax: number) => void;
}

/**
 * Makes this process the only one that opens `directory` for writing. It keeps order between processes that behave;
 * that a process which lost the directory cannot write is enforced in the database (`Ownership`).
 * @throws EventStoreError `held`
 */
export async function lockDirectory(directory: string, options: LockOptions): Promise<DirectoryLock> {
  const path = join(directory, LOCK_FILE);
  const token = randomUUID();
  const socket = await listenInDirectory(directory, token);
  const self: DirectoryHolder = { ...thisProcess(token, options.nowMs), socket: socket?.name ?? null };
  const own = `${path}.${token}`;
  try {
    writeFileSync(own, JSON.stringify(self), { flag: 'wx', mode: 0o600, flush: true });
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (linked(own, path)) return held(path, own, self, socket);
      await removeIfStale(directory, path, token, options);
    }
    throw new EventStoreError('held', `${path}: several processes want the directory at once`);
  } catch (error) {
    socket?.close();
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Who holds `directory` for writing, as far as this process can tell without waiting; null when no live process does. */
export async function holderOf(directory: string, nowMs: number): Promise<DirectoryHolder | null> {
  const path = join(directory, LOCK_FILE);
  const holder = readHolder(path);
  if (holder === null) return null;
  const liveness = await livenessOf(directory, holder);
  if (liveness !== 'unknown') return liveness === 'alive' ? holder : null;
  return nowMs - (signOfLife(path) ?? 0) < SILENT_MS_MAX ? holder : null;
}

/** Whether a live process holds `directory` for writing now. */
export async function isDirectoryHeld(directory: string, nowMs: number): Promise<boolean> {
  return (await holderOf(directory, nowMs)) !== null;
}

function held(path: string, own: string, self: DirectoryHolder, socket: DirectorySocket | null): DirectoryLock {
  // By descriptor: the path may one day lead to the lock file of another process.
  const descriptor = openSync(own, 'r+');
  const signs = setInterval(() => {
    const now = new Date();
    futimesSync(descriptor, now, now);
  }, SIGN_OF_LIFE_EVERY_MS);
  signs.unref();
  return {
    holder: self,
    release: () => {
      clearInterval(signs);
      closeSync(descriptor);
      if (readHolder(path)?.token === self.token) unlinkSync(path);
      socket?.close();
    },
  };
}

function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfStale(directory: string, path: string, token: string, options: LockOptions): Promise<void> {
  const holder = readHolder(path);
  if (holder === null) return;
  if (await isAlive(directory, path, holder, options)) {
    throw new EventStoreError('held', `${path}: ${describeHolder(holder)}`);
  }
  const aside = `${path}.stale-${token}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Another process was faster.
  }
  // Between looking and renaming a third process may have replaced the stale lock by its own: put that back.
  if (readHolder(aside)?.token !== holder.token) linked(aside, path);
  else if (holder.socket !== null) removeSocket(directory, holder.socket);
  unlinkSync(aside);
}

async function isAlive(
  directory: string,
  path: string,
  holder: DirectoryHolder,
  options: LockOptions,
): Promise<boolean> {
  const liveness = await livenessOf(directory, holder);
  if (liveness !== 'unknown') return liveness === 'alive';
  const { silentMsMax = SILENT_MS_MAX, onWait = () => {} } = options;
  onWait(holder, silentMsMax);
  return await givesSignOfLife(path, holder, silentMsMax);
}

/** Waits for a change, by this process's own monotonic clock: the clocks of two hosts may differ. */
async function givesSignOfLife(path: string, holder: DirectoryHolder, silentMsMax: number): Promise<boolean> {
  const before = signOfLife(path);
  for (const endsMs = performance.now() + silentMsMax; performance.now() < endsMs;) {
    await pause(LOOK_EVERY_MS);
    if (readHolder(path)?.token !== holder.token) return false;
    if (signOfLife(path) !== before) return true;
  }
  return false;
}
