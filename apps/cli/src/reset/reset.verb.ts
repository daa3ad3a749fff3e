import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, readAppEnvironment } from '@livegift/config';
import { EventStoreError, type EventStore } from '@livegift/event-store';
import { openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { StoppedError, UsageError } from '../exit-codes.js';
import type { LogSource, SourceFlags } from '../source/log-source.js';
import { addSourceOptions, chosenSource } from '../source/source-options.js';
import { CONSUMERS, type ConsumerName } from './consumer-names.js';
import type { ConsumerReset } from './consumers.js';

interface ResetVerbOptions extends SourceFlags {
  readonly json?: boolean;
}

const NAMES = Object.keys(CONSUMERS) as readonly ConsumerName[];

const HELP = `
Consumers:
${Object.entries(CONSUMERS)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}

Stop the engine, or in a cluster the app that runs the consumer, first: a consumer that runs saves its checkpoint again.
No money moves twice, whatever is reset.

Examples:
  livegift reset settlement --data-dir ./data
  PROFILE=cluster EVENTSTORE_URL=… REDIS_URL=… livegift reset projector

Exits 0 when it is reset, 1 when it could not be reset, 2 on wrong usage.`;

export function addReset(program: Command): void {
  const verb = program
    .command('reset')
    .description('forget how far a consumer has read; it begins again at its next start')
    .argument('<consumer>', NAMES.join(', '))
    .option('--json', 'print what was done as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (name: string, options: ResetVerbOptions) => {
      assertKnown(name);
      const source = chosenSource(options, `resetting ${name} of`);
      const done = await reset(name, source);
      process.stdout.write(
        `${options.json === true ? JSON.stringify({ consumer: name, done }) : `${name}: ${done}`}\n`,
      );
    });
  addSourceOptions(verb);
}

function assertKnown(name: string): asserts name is ConsumerName {
  if (Object.hasOwn(CONSUMERS, name)) return;
  throw new UsageError(`there is no consumer ${name}; there are ${NAMES.join(', ')}`);
}

async function reset(name: ConsumerName, source: LogSource): Promise<string> {
  // Read first: a mistake in it must not cost the time to reach the servers.
  const environment = source.kind === 'server' ? environmentOf(name) : null;
  // Loaded here alone: the clients of all servers would slow every verb.
  const { RESETS } = await import('./consumers.js');
  const consumer: ConsumerReset = RESETS[name];
  let store: EventStore | null = null;
  try {
    if (source.kind === 'directory') {
      const { directory } = source;
      if (!existsSync(join(directory, 'data.mdb'))) throw new UsageError(`there is no event store in ${directory}`);
      store = await openLmdbEventStore({ directory });
      return await consumer.embedded(store, directory);
    }
    store = await openEventStoreDb({ connectionString: source.connectionString });
    return await consumer.cluster(store, environment!);
  } catch (error) {
    if (isAway(error)) throw new StoppedError(`nothing was reset: ${error.message}`);
    if (!(error instanceof EventStoreError)) throw error;
    const advice = error.code === 'held' ? '; stop the engine first' : '';
    throw new StoppedError(`nothing was reset: ${error.message}${advice}`);
  } finally {
    await store?.close();
  }
}

function environmentOf(name: ConsumerName): Parameters<ConsumerReset['cluster']>[1] {
  try {
    return readAppEnvironment(CONSUMERS[name].app, process.env) as ReturnType<typeof environmentOf>;
  } catch (error) {
    if (error instanceof ConfigurationError) throw new UsageError(error.message);
    throw error;
  }
}

/** Redis or Kafka did not answer. Their clients are loaded only when needed, so their errors are recognized by name. */
const isAway = (error: unknown): error is Error =>
  error instanceof Error && ['ReadModelError', 'FanOutError'].includes(error.name);
