import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { EventStoreError } from '@livegift/event-store';
import { socketPath } from './directory-socket.js';

/** Who holds a data directory. Written to its lock file and to the database. */
export interface DirectoryHolder {
  /** New for each time that a process takes a directory. */
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** One running kernel: its boot id, or what comes nearest to one. */
  readonly kernel: string;
  /** A pid means something only in its own namespace. Null where there are none. */
  readonly pidNamespace: string | null;
  /** In clock ticks since boot; a pid may belong to another process by now. Null where /proc does not tell. */
  readonly processStart: string | null;
  readonly since: string;
  /** Name of the socket in the directory that lives as long as the process; null where the file system has none. */
  readonly socket: string | null;
}

/** `unknown`: only its signs of life in the lock file can tell. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export function thisProcess(token: string, nowMs: number): Omit<DirectoryHolder, 'socket'> {
  return {
    token,
    pid: process.pid,
    host: hostname(),
    kernel: thisKernel(),
    pidNamespace: thisPidNamespace(),
    processStart: processStartOf(process.pid),
    since: new Date(nowMs).toISOString(),
  };
}

export function describeHolder({ pid, host, since }: DirectoryHolder): string {
  return `process ${pid} on ${host} has held the directory since ${since}`;
}

/** A holder with the pid of this process in another namespace: LMDB could not tell the two apart. */
export function hasThisPidElsewhere(holder: DirectoryHolder): boolean {
  return holder.pid === process.pid && holder.kernel === thisKernel() && holder.pidNamespace !== thisPidNamespace();
}

/**
 * On one kernel the socket decides, whatever the namespaces: it takes connections as long as its process lives, stopped
 * or not, and refuses them from the moment that the process has ended.
 */
export async function livenessOf(directory: string, holder: DirectoryHolder): Promise<Liveness> {
  if (holder.kernel !== thisKernel()) return 'unknown';
  if (holder.socket !== null) return await socketLiveness(directory, holder.socket);
  return holder.pidNamespace === thisPidNamespace() ? processLiveness(holder) : 'unknown';
}

/** Null when there is no such file. @throws EventStoreError `held` */
export function readHolder(path: string): DirectoryHolder | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
  try {
    return parseHolder(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @throws when it is none. What an older version did not write is null, or no kernel's. */
export function parseHolder(text: string): DirectoryHolder {
  const holder = JSON.parse(text) as Partial<DirectoryHolder>;
  if (typeof holder.token !== 'string' || typeof holder.pid !== 'number') throw new Error('it names no process');
  return {
    token: holder.token,
    pid: holder.pid,
    host: holder.host ?? 'an unknown host',
    kernel: holder.kernel ?? '',
    pidNamespace: holder.pidNamespace ?? null,
    processStart: holder.processStart ?? null,
    since: holder.since ?? 'an unknown time',
    socket: holder.socket ?? null,
  };
}

function unreadable(path: string, cause: unknown): EventStoreError {
  const message = `${path}: it cannot be read (${(cause as Error).message}); remove it if no engine runs on this directory`;
  return new EventStoreError('held', message, undefined, { cause });
}

async function socketLiveness(directory: string, name: string): Promise<Liveness> {
  const path = socketPath(directory, name);
  if (path === null) return 'unknown';
  try {
    return await new Promise<Liveness>((resolve) => {
      const socket = connect({ path: path.path });
      socket.once('connect', () => resolve('alive'));
      socket.once('error', ({ code }: NodeJS.ErrnoException) => {
        resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'dead' : 'alive');
      });
      socket.once('close', () => socket.destroy());
      socket.once('connect', () => socket.destroy());
    });
  } finally {
    path.release();
  }
}

function processLiveness(holder: DirectoryHolder): Liveness {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
  }
  const start = processStartOf(holder.pid);
  return start === null || holder.processStart === null || start === holder.processStart ? 'alive' : 'dead';
}

function thisKernel(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `${process.platform} on ${hostname()}`;
  }
}

function thisPidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
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

/** When the file was last given a sign of life; null when there is none. */
export function signOfLife(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}
