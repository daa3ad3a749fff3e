import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EventStoreError, type NewGeneration } from '@livegift/event-store';
import { restoreEventStore } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { StoppedError, UsageError } from '../exit-codes.js';
import { progressOn } from '../progress.js';
import { describeSource, logSource } from '../source/log-source.js';
import { restoreCluster } from './restore-cluster.js';

interface RestoreVerbOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

const GENERATION_BYTES = 8;

const HELP = `
With DIR: checks the backup, copies it into a new data directory, and begins a new generation of its history. Start the
engine with that directory as DATA_DIR.

Without DIR, with PROFILE=cluster: begins the new generation in an EventStoreDB that holds the backup already. Run it after
the servers have the backup and before any app starts. It prints what to empty before the apps start.

Clients notice: positions and cursors from before are answered 410 history-changed, and a room that is resumed says
"complete": false.

Examples:
  livegift restore /backups/2026-03-01 --data-dir ./restored
  PROFILE=cluster EVENTSTORE_URL=esdb://127.0.0.1:2113?tls=false livegift restore

Exits 0 when the store is ready to be used, 1 when it could not be restored (nothing is left behind), 2 on wrong usage.`;

export function addRestore(program: Command): void {
  program
    .command('restore')
    .description('put a backup back: into a new data directory, or (without DIR) finish the restore of a cluster')
    .argument('[dir]', 'a backup that livegift backup made')
    .option('--data-dir <new>', 'the data directory to make; empty, or not there yet')
    .option('--json', 'print what was restored as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (dir: string | undefined, options: RestoreVerbOptions) => {
      const result = dir === undefined ? await finishCluster(options) : await restoreDirectory(dir, options);
      process.stdout.write(`${options.json === true ? JSON.stringify(result.facts) : result.text}\n`);
    });
}

interface Result {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function restoreDirectory(dir: string, { dataDir }: RestoreVerbOptions): Promise<Result> {
  if (dataDir === undefined) throw new UsageError('restore needs --data-dir NEW: the data directory to make');
  const [from, directory] = [resolve(dir), resolve(dataDir)];
  if (!existsSync(from)) throw new UsageError(`there is no backup ${from}`);
  if (existsSync(directory) && (!statSync(directory).isDirectory() || readdirSync(directory).length > 0)) {
    throw new UsageError(`${directory} is not an empty directory; restore into a new one`);
  }
  process.stderr.write(`livegift: restoring ${from} into ${directory}\n`);
  const progress = progressOn(process.stderr, 'restore', 'events');
  progress.start(null);
  try {
    const onChecked = (events: number): void => progress.update(events, 'checked');
    const { manifest, historyId } = await restoreEventStore({ from, directory, onChecked, ...newGeneration() });
    const { events, head, madeAt } = manifest;
    return {
      facts: { directory, historyId, events, head, madeAt },
      text: `${directory}: ${events} events of the backup of ${madeAt}; its history is now ${historyId}`,
    };
  } catch (error) {
    if (error instanceof EventStoreError) throw new StoppedError(`nothing was restored: ${error.message}`);
    throw error;
  } finally {
    progress.stop();
  }
}

async function finishCluster({ dataDir }: RestoreVerbOptions): Promise<Result> {
  if (dataDir !== undefined) throw new UsageError('--data-dir goes with DIR, the backup to restore');
  const source = logSource({}, process.env);
  if (source.kind !== 'server') {
    throw new UsageError('restore needs DIR, the backup to restore; without it, PROFILE=cluster and EVENTSTORE_URL');
  }
  process.stderr.write(`livegift: finishing the restore of ${describeSource(source)}\n`);
  const begun = await restoreCluster(source.connectionString, newGeneration());
  return {
    facts: { ...begun },
    text: [
      `A new generation begins at ${begun.position}: the history is now ${begun.historyId}.`,
      'Before you start the apps:',
      `- Redis (REDIS_URL): delete the read models, keys livegift:* (or all of the database if nothing else is in it);`,
      '  the projector builds them anew from the log. `livegift reset projector` does it.',
      '- Kafka: nothing. Publishers go on from here, and gateways pass over messages of the history before.',
      'Then start the apps.',
    ].join('\n'),
  };
}

function newGeneration(): NewGeneration {
  return {
    generation: randomBytes(GENERATION_BYTES).toString('hex'),
    eventId: randomUUID(),
    correlationId: randomUUID(),
    nowMs: Date.now(),
  };
}
