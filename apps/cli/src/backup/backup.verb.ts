import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ENGINE_VERSION } from '@livegift/config';
import { EventStoreError } from '@livegift/event-store';
import { backUpEventStore, type BackupManifest } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { StoppedError, UsageError } from '../exit-codes.js';
import { progressOn } from '../progress.js';
import type { SourceFlags } from '../source/log-source.js';
import { addDataDirOption, chosenDirectory } from '../source/source-options.js';

interface BackupVerbOptions extends SourceFlags {
  readonly json?: boolean;
}

/** What belongs to a data directory besides the event store: choices that its answers depend on. */
const COMPANION_FILES = ['deployment.json'];

const HELP = `
DIR must be empty or must not exist. The backup is checked after it was written; it is complete when backup.json is there.

Examples:
  livegift backup /backups/2026-03-01
  livegift backup --data-dir /var/lib/livegift --json /backups/2026-03-01

Exits 0 when the backup is complete, 1 when it could not be made (damaged data, no space left), 2 on wrong usage.`;

export function addBackup(program: Command): void {
  const verb = program
    .command('backup')
    .description('make a consistent copy of the data directory; the engine may be running')
    .argument('<dir>', 'where the backup goes')
    .option('--json', 'print the manifest of the backup as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (into: string, options: BackupVerbOptions) => {
      const dataDir = chosenDirectory(options, 'backing up', 'back it up by its own means (infra/README.md)');
      assertUsable(dataDir, resolve(into));
      const manifest = await backUp(dataDir, resolve(into));
      process.stdout.write(`${options.json === true ? JSON.stringify(manifest) : describe(into, manifest)}\n`);
    });
  addDataDirOption(verb);
}

function assertUsable(dataDir: string, into: string): void {
  if (!existsSync(join(dataDir, 'data.mdb'))) throw new UsageError(`there is no event store in ${dataDir}`);
  if (existsSync(into) && !isEmpty(into)) {
    throw new UsageError(`${into} is not an empty directory; a backup needs one of its own`);
  }
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    return false;
  }
}

async function backUp(directory: string, into: string): Promise<BackupManifest> {
  const progress = progressOn(process.stderr, 'backup', 'events');
  progress.start(null);
  try {
    return await backUpEventStore({
      directory,
      into,
      engineVersion: ENGINE_VERSION,
      madeAt: new Date().toISOString(),
      companions: COMPANION_FILES,
      onChecked: (events) => progress.update(events, 'checked'),
    });
  } catch (error) {
    if (error instanceof EventStoreError) throw new StoppedError(`no backup was made: ${error.message}`);
    throw error;
  } finally {
    progress.stop();
  }
}

function describe(into: string, { events, head, storeId }: BackupManifest): string {
  return `${into}: ${events} events up to ${head ?? 'the beginning'} of store ${storeId}, checked`;
}
