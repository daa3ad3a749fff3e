import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';
import { BACKUP_FORMAT, describeFile, MANIFEST_FILE, readManifest, type BackupManifest } from './backup.manifest.js';
import { syncDirectory, syncFile } from './durable-file.js';
import { DATA_FILE, LOCK_FILE, openForReading } from './open-log.js';
import { positionOf } from './sequence.js';
import { readIdentity } from './store-identity.js';
import { verifyBlocks, verifyIndex } from './verify-copy.js';

export interface BackupOptions {
  /** The data directory; an engine may be running on it. */
  readonly directory: string;
  /** Where the backup goes: a directory that is empty or does not exist yet. */
  readonly into: string;
  readonly engineVersion: string;
  /** The time, in UTC, for the manifest. */
  readonly madeAt: string;
  /** Names of files beside the log that belong to it. Those that exist are copied too. */
  readonly companions: readonly string[];
  /** Called while the copy is checked, with the number of events checked so far. */
  readonly onChecked?: (events: number) => void;
}

const PARTIAL = '.partial';

/**
 * Makes a consistent copy of the store as it is at one moment, checks the whole of it, and describes it in a manifest.
 * The copy is one read transaction: while it lasts, the engine cannot reuse the pages that it frees.
 * @throws EventStoreError `damaged`, `unavailable` (also when `into` cannot be used or its disk is full)
 */
export async function backUpEventStore(options: BackupOptions): Promise<BackupManifest> {
  const { directory, into } = options;
  const partial = join(into, PARTIAL);
  const made = prepare(into, partial);
  try {
    await copyLog(directory, partial);
    const files = await copyCompanions(directory, partial, options.companions);
    const checked = await checkLog(partial, options.onChecked);
    const log = await describeFile(join(partial, DATA_FILE));
    for (const name of [DATA_FILE, ...Object.keys(files)]) renameSync(join(partial, name), join(into, name));
    rmSync(partial, { recursive: true });
    const { engineVersion, madeAt } = options;
    const manifest = {
      format: BACKUP_FORMAT,
      ...checked,
      engineVersion,
      madeAt,
      files: { [DATA_FILE]: log, ...files },
    };
    writeManifest(into, manifest);
    return manifest;
  } catch (error) {
    discard(options, made);
    throw asStoreError(error, into);
  }
}

/**
 * Checks a backup against its manifest: every file, and every block of the log.
 * @throws EventStoreError `unavailable` (it is not a complete backup), `damaged`
 */
export async function checkBackup(directory: string, onChecked?: BackupOptions['onChecked']): Promise<BackupManifest> {
  const manifest = readManifest(directory);
  for (const [name, expected] of Object.entries(manifest.files)) {
    const file = join(directory, name);
    if (!existsSync(file)) throw new EventStoreError('damaged', `${file}: it is missing from the backup`);
    const { bytes, sha256 } = await describeFile(file);
    if (bytes !== expected.bytes || sha256 !== expected.sha256) {
      throw new EventStoreError('damaged', `${file}: it is not the file that was backed up (SHA-256 differs)`);
    }
  }
  const { storeId, head, events, eventsSha256 } = await checkLog(directory, onChecked);
  const same =
    storeId === manifest.storeId &&
    head === manifest.head &&
    events === manifest.events &&
    eventsSha256 === manifest.eventsSha256;
  if (!same) throw new EventStoreError('damaged', `${directory}: its manifest describes another log`);
  return manifest;
}

/** @returns whether it made the directory */
function prepare(into: string, partial: string): boolean {
  try {
    const made = mkdirSync(into, { recursive: true, mode: 0o700 }) !== undefined;
    if (readdirSync(into).length > 0) {
      throw new EventStoreError('unavailable', `${into} is not empty; a backup needs a directory of its own`);
    }
    mkdirSync(partial, { mode: 0o700 });
    return made;
  } catch (error) {
    throw asStoreError(error, into);
  }
}

/** Removes what a backup that failed has written, and nothing else. */
function discard({ into, companions }: BackupOptions, made: boolean): void {
  for (const name of [PARTIAL, DATA_FILE, ...companions, `${MANIFEST_FILE}.new`]) {
    rmSync(join(into, name), { recursive: true, force: true });
  }
  if (made && readdirSync(into).length === 0) rmdirSync(into);
}

async function copyLog(directory: string, partial: string): Promise<void> {
  const environment = await openForReading(directory);
  try {
    // Not the compacting copy: that one walks the trees in the library, where a damaged page ends the process.
    await environment.root.backup(partial, false);
  } finally {
    await environment.root.close();
  }
  const file = join(partial, DATA_FILE);
  chmodSync(file, 0o600);
  syncFile(file);
}

async function copyCompanions(
  directory: string,
  partial: string,
  names: readonly string[],
): Promise<BackupManifest['files']> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of names) {
    if (!existsSync(join(directory, name))) continue;
    const copy = join(partial, name);
    copyFileSync(join(directory, name), copy, constants.COPYFILE_EXCL);
    chmodSync(copy, 0o600);
    syncFile(copy);
    files[name] = await describeFile(copy);
  }
  return files;
}

type CheckedLog = Pick<BackupManifest, 'storeId' | 'head' | 'events' | 'eventsSha256'>;

/** Reads every block of a log that no process has open. */
async function checkLog(directory: string, onChecked: (events: number) => void = () => {}): Promise<CheckedLog> {
  const file = join(directory, DATA_FILE);
  const hadLock = existsSync(join(directory, LOCK_FILE));
  const environment = await openForReading(directory);
  try {
    const storeId = readIdentity(environment, file);
    if (storeId === null) throw new EventStoreError('damaged', `${file}: the store has no id`);
    const hash = createHash('sha256');
    const { end } = await verifyBlocks(environment, file, (bytes, last) => {
      hash.update(bytes);
      onChecked(last);
    });
    await verifyIndex(environment, file, end);
    return { storeId, head: end === 0 ? null : positionOf(end), events: end, eventsSha256: hash.digest('hex') };
  } finally {
    await environment.root.close();
    if (!hadLock) rmSync(join(directory, LOCK_FILE), { force: true });
  }
}

function writeManifest(into: string, manifest: BackupManifest): void {
  const beside = join(into, `${MANIFEST_FILE}.new`);
  writeFileSync(beside, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(beside, join(into, MANIFEST_FILE));
  syncDirectory(into);
}

function asStoreError(error: unknown, into: string): Error {
  if (error instanceof EventStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const noSpace = code === 'ENOSPC' || /no space left/i.test(message);
  const said = noSpace ? `${into}: no space left on its disk` : `${into}: ${message}`;
  return new EventStoreError('unavailable', said, undefined, { cause: error });
}
