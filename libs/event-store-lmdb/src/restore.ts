import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beginGeneration, EventStoreError, type NewGeneration } from '@livegift/event-store';
import { checkBackup } from './backup.js';
import type { BackupManifest } from './backup.manifest.js';
import { RESTORING } from './data-directory.js';
import { syncDirectory, syncFile } from './durable-file.js';
import { openLmdbEventStore } from './lmdb-event-store.js';
import { DATA_FILE } from './open-log.js';

export interface RestoreOptions extends NewGeneration {
  /** A backup that `backUpEventStore` made. */
  readonly from: string;
  /** The new data directory: empty, or not there yet. */
  readonly directory: string;
  /** Called while the backup is checked, with the number of events checked so far. */
  readonly onChecked?: (events: number) => void;
}

export interface RestoredStore {
  readonly manifest: BackupManifest;
  readonly historyId: string;
}

/**
 * Checks a backup, copies it into a new data directory and begins a new generation there. Until it has ended well the
 * directory cannot be opened: an engine that started on half of it would begin an empty history.
 * @throws EventStoreError `unavailable` (also: no backup, a directory that is not empty, a full disk), `damaged`
 */
export async function restoreEventStore(options: RestoreOptions): Promise<RestoredStore> {
  const { from, directory } = options;
  const manifest = await checkBackup(from, options.onChecked);
  const partial = join(directory, RESTORING);
  const made = prepare(directory, partial);
  try {
    for (const name of Object.keys(manifest.files)) copyDurably(join(from, name), join(partial, name));
    const { historyId } = await withNewGeneration(partial, options);
    const names = Object.keys(manifest.files).filter((name) => name !== DATA_FILE);
    for (const name of [...names, DATA_FILE]) renameSync(join(partial, name), join(directory, name));
    syncDirectory(directory);
    rmSync(partial, { recursive: true });
    syncDirectory(directory);
    return { manifest, historyId };
  } catch (error) {
    for (const name of [...Object.keys(manifest.files), RESTORING]) {
      rmSync(join(directory, name), { recursive: true, force: true });
    }
    if (made) rmdirSync(directory);
    throw asStoreError(error, directory);
  }
}

/** @returns whether it made the directory */
function prepare(directory: string, partial: string): boolean {
  try {
    const made = !existsSync(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (readdirSync(directory).length > 0) {
      throw new EventStoreError('unavailable', `${directory} is not empty; restore into a new directory`);
    }
    mkdirSync(partial, { mode: 0o700 });
    return made;
  } catch (error) {
    throw asStoreError(error, directory);
  }
}

function copyDurably(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o600);
  syncFile(to);
}

async function withNewGeneration(directory: string, given: NewGeneration): Promise<{ readonly historyId: string }> {
  const store = await openLmdbEventStore({ directory });
  try {
    return await beginGeneration(store, given);
  } finally {
    await store.close();
  }
}

function asStoreError(error: unknown, directory: string): Error {
  if (error instanceof EventStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const said = code === 'ENOSPC' ? `${directory}: no space left on its disk` : `${directory}: ${message}`;
  return new EventStoreError('unavailable', said, undefined, { cause: error });
}
