import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';

const LOCK_FILE = 'writer.lock';
const ATTEMPTS_MAX = 8;
const HEARTBEAT_MS = 5_000;
/** A holder on another host (a container of yesterday, say) cannot be asked; silent for so long, it is taken for dead. */
const SILENT_MS_MAX = 20_000;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Of the process, in clock ticks since boot, where /proc tells; a pid alone may be another process by now. */
  readonly processStart: string | null;
  readonly since: string;
  readonly token: string;
}

export interface DirectoryLock {
  release(): void;
}

/** Makes this process the only writer of `directory`. @throws EventStoreError `held` */
export function lockDirectory(directory: string, nowMs: number): DirectoryLock {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, LOCK_FILE);
  const self: Holder = {
    pid: process.pid,
    host: hostname(),
    processStart: processStartOf(process.pid),
    since: new Date(nowMs).toISOString(),
    token: randomUUID(),
  };
  const own = `${path}.${self.token}`;
  writeFileSync(own, JSON.stringify(self), { flush: true });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (linked(own, path)) return held(path, self);
      removeIfStale(path, self.token, nowMs);
    }
    throw new EventStoreError('held', `${path}: several processes want it at once`);
  } finally {
    unlinkSync(own);
  }
}

/** Whether a live process holds `directory` for writing now. */
export function isDirectoryHeld(directory: string, nowMs: number): boolean {
  const path = join(directory, LOCK_FILE);
  const holder = holderIn(path);
  return holder !== null && isAlive(holder, path, nowMs);
}

function held(path: string, self: Holder): DirectoryLock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // Somebody removed the file by hand: nothing to keep alive.
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: () => {
      clearInterval(heartbeat);
      if (holderIn(path)?.token === self.token) unlinkSync(path);
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

function removeIfStale(path: string, token: string, nowMs: number): void {
  const holder = holderIn(path);
  if (holder === null) return;
  if (isAlive(holder, path, nowMs)) {
    const { pid, host, since } = holder;
    throw new EventStoreError('held', `${path}: process ${pid} on ${host} has held the directory since ${since}`);
  }
  const aside = `${path}.stale-${token}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Another process was faster.
  }
  // Between looking and renaming a third process may have replaced the stale lock by its own: put that back.
  if (holderIn(aside)?.token !== holder.token) linked(aside, path);
  unlinkSync(aside);
}

function holderIn(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new EventStoreError(
      'held',
      `${path}: cannot be read (${(error as Error).message}); remove it if no process runs`,
    );
  }
}

function isAlive(holder: Holder, path: string, nowMs: number): boolean {
  if (holder.host !== hostname()) return nowMs - statSync(path, { throwIfNoEntry: false })!.mtimeMs < SILENT_MS_MAX;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const start = processStartOf(holder.pid);
  return start === null || holder.processStart === null || start === holder.processStart;
}

/** Field 22 of /proc/<pid>/stat, counted after the command's name, which may hold blanks. */
function processStartOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'gone' : (fields[19] ?? null);
  } catch {
    return null;
  }
}
