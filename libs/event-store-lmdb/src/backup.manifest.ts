import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';
import type { Position } from '@livegift/kernel';

/** Written last, so a directory without it is no backup. */
export const MANIFEST_FILE = 'backup.json';
export const BACKUP_FORMAT = 1;

export interface BackedUpFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** What a backup holds, as the file `backup.json` beside it says. */
export interface BackupManifest {
  readonly format: number;
  readonly storeId: string;
  /** Position of the newest event; null in an empty log. */
  readonly head: Position | null;
  readonly events: number;
  /** SHA-256 over the blocks of the log in order: equal for every copy of the same history. */
  readonly eventsSha256: string;
  readonly engineVersion: string;
  /** When the backup was made, in UTC. */
  readonly madeAt: string;
  /** Every file of the backup but the manifest, by name. */
  readonly files: Readonly<Record<string, BackedUpFile>>;
}

export function isBackup(directory: string): boolean {
  return existsSync(join(directory, MANIFEST_FILE));
}

/** @throws EventStoreError `unavailable` (it is no backup), `damaged` */
export function readManifest(directory: string): BackupManifest {
  const file = join(directory, MANIFEST_FILE);
  if (!existsSync(file)) {
    throw new EventStoreError('unavailable', `${directory} is not a complete backup: it has no ${MANIFEST_FILE}`);
  }
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8')) as BackupManifest;
  } catch (cause) {
    throw new EventStoreError('damaged', `${file}: it cannot be read`, undefined, { cause });
  }
  if (manifest?.format !== BACKUP_FORMAT || typeof manifest.files !== 'object' || manifest.files === null) {
    const message = `${file}: it is in format ${String(manifest?.format)}; this version reads ${BACKUP_FORMAT}`;
    throw new EventStoreError('damaged', message);
  }
  return manifest;
}

export async function describeFile(file: string): Promise<BackedUpFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
