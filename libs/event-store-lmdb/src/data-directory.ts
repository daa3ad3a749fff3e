import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';
import type { Telemetry } from '@livegift/kernel';

/** Holds what a restore has not finished. */
export const RESTORING = '.restoring';

/** @throws EventStoreError `unavailable`: a restore into the directory was interrupted */
export function assertRestored(directory: string): void {
  if (!existsSync(join(directory, RESTORING))) return;
  const message = `${directory}: a restore into it was interrupted; empty the directory and restore the backup again`;
  throw new EventStoreError('unavailable', message);
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;
/** What this and the other parts of the engine write there. */
const OWN_NAMES =
  /^(data\.mdb|lock\.mdb|writer\.lock.*|writer\..*\.sock|deployment\.json(\.new)?|read-model\.snapshot(\.new)?|keys\..*)$/;
const PROBE_FILE = 'writer.lock.probe';
/** As much as an empty store takes. */
const PROBE_BYTES = 256 * 1024;
/** LMDB's own size for 126 readers. */
const LOCK_BYTES = 8_272;

/**
 * Makes the directory where there is none, makes sure that this process can write to it and that nothing in it leads
 * elsewhere, and closes it to other users.
 * @throws EventStoreError `unavailable`
 */
export function prepareDirectory(directory: string, telemetry: Telemetry): void {
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    assertNoLinks(directory);
    assertWritable(directory);
  } catch (error) {
    if (error instanceof EventStoreError) throw error;
    throw unusable(directory, error as NodeJS.ErrnoException);
  }
  closeToOthers(directory, telemetry);
}

/**
 * LMDB makes its lock file as a hole and writes to it through memory: on a full disk that would end the process. So it
 * is made here, of real bytes.
 */
export function prepareLockFile(directory: string): void {
  const file = join(directory, 'lock.mdb');
  if (existsSync(file)) return;
  try {
    writeFileSync(file, Buffer.alloc(LOCK_BYTES), { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    throw unusable(directory, error as NodeJS.ErrnoException);
  }
}

/** For files that LMDB has made. */
export function closeFileToOthers(file: string): void {
  if ((statSync(file).mode & OTHERS) !== 0) chmodSync(file, FILE_MODE);
}

/** A link could make the engine overwrite any file that it may write to. */
function assertNoLinks(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (!OWN_NAMES.test(name) || lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw new EventStoreError('unavailable', `${path} is a symbolic link; links in a data directory are not followed`);
  }
}

function assertWritable(directory: string): void {
  const probe = join(directory, PROBE_FILE);
  rmSync(probe, { force: true });
  const isNew = !existsSync(join(directory, 'data.mdb'));
  try {
    writeFileSync(probe, Buffer.alloc(isNew ? PROBE_BYTES : 1), { flag: 'wx', mode: FILE_MODE });
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Own files always; the directory only when nothing else is in it, since it may serve others too. */
function closeToOthers(directory: string, telemetry: Telemetry): void {
  const names = readdirSync(directory);
  try {
    for (const name of names.filter((own) => OWN_NAMES.test(own) && !own.endsWith('.sock'))) {
      closeFileToOthers(join(directory, name));
    }
    if ((statSync(directory).mode & OTHERS) === 0) return;
    if (!names.every((name) => OWN_NAMES.test(name))) throw new Error('it holds other files too');
    chmodSync(directory, DIRECTORY_MODE);
  } catch (error) {
    telemetry.warn('other users may read the data directory; close it (chmod 700)', {
      directory,
      reason: (error as Error).message,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space left on its disk',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
};

function unusable(directory: string, cause: NodeJS.ErrnoException): EventStoreError {
  const reason = REASONS[cause.code ?? ''] ?? cause.message;
  const message = `the data directory ${directory} cannot be used: ${reason}. Choose another DATA_DIR or mend it`;
  return new EventStoreError('unavailable', message, undefined, { cause });
}
