import { parseArgs } from 'node:util';
import { CLUSTER_APPS, type ClusterAppName } from './app-process.js';

const PROCESSES_MAX = 16;

export const CLUSTER_USAGE = `npm run cluster -- [--event-store stand-in] [--gift-api N] [--settlement N] [--projector N] [--publisher N] [--room-gateway N]

  EVENTSTORE_URL   your EventStoreDB; without one, --event-store stand-in starts a stand-in that is FOR TESTS ONLY
  REDIS_URL        your Redis; without it one is started here
  KAFKA_BROKERS    your Kafka, with KAFKA_TLS and KAFKA_SASL_… where it asks for them; without it one is started here
  PORT             of the one door that clients see (3000)
  DATA_DIR         where the servers that are started here keep their data and their logins (credentials.json), under
                   cluster/ (./data)`;

export interface ClusterOptions {
  /** How many processes of each app; default 1. */
  readonly counts: Readonly<Record<ClusterAppName, number>>;
  readonly standIn: boolean;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function clusterOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ClusterOptions {
  const values = parsed(args);
  const standIn = values['event-store'] !== undefined;
  if (standIn && values['event-store'] !== 'stand-in')
    throw new UsageError('--event-store takes stand-in and nothing else');
  if (standIn && env['EVENTSTORE_URL']) throw new UsageError('EVENTSTORE_URL or --event-store stand-in, not both');
  if (!standIn && !env['EVENTSTORE_URL']) {
    throw new UsageError('EVENTSTORE_URL must name an EventStoreDB; to try without one: --event-store stand-in');
  }
  const counts = Object.fromEntries(CLUSTER_APPS.map((app) => [app, countOf(app, values[app])]));
  return { counts: counts as Record<ClusterAppName, number>, standIn };
}

function parsed(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const names = ['event-store', ...CLUSTER_APPS];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function countOf(app: string, text = '1'): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= PROCESSES_MAX) return count;
  throw new UsageError(`--${app} takes a number from 0 to ${PROCESSES_MAX}`);
}
