import { resolve } from 'node:path';
import { readVariables } from '@livegift/config';
import { UsageError } from '../exit-codes.js';

/** Where a verb finds the log. `chosenBy` names the flag or variable that decided. */
export type LogSource =
  | { readonly kind: 'directory'; readonly directory: string; readonly chosenBy: string }
  | { readonly kind: 'server'; readonly connectionString: string; readonly chosenBy: string };

/** The flags that choose a log; undefined unless the user gave them. */
export interface SourceFlags {
  readonly dataDir?: string;
  readonly eventStore?: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** The user and password of a connection string: all before its last `@`. */
const LOGIN = /\/\/.*@/;
const DECIDING_KEYS = ['PROFILE', 'EVENTSTORE_URL', 'DATA_DIR'];

/**
 * The one log that the user asked for. A flag decides before the environment. Without a flag `PROFILE` decides; an
 * environment that names two stores, or a cluster without its server, is refused: a verb never guesses which one is meant.
 * @throws UsageError saying what to set
 */
export function logSource(flags: SourceFlags, variables: Variables): LogSource {
  const { dataDir, eventStore } = flags;
  if (dataDir !== undefined && eventStore !== undefined) {
    throw new UsageError('--data-dir and --event-store name two stores; give one of them');
  }
  if (dataDir !== undefined) return directoryAt(dataDir, '--data-dir');
  if (eventStore !== undefined) return serverAt(eventStore, '--event-store');
  return sourceOfEnvironment(variables);
}

function sourceOfEnvironment(variables: Variables): LogSource {
  const { values, faults } = readVariables(variables);
  const fault = faults.find(({ key }) => DECIDING_KEYS.includes(key));
  if (fault !== undefined) throw new UsageError(fault.message);
  if (values.PROFILE === 'cluster') {
    if (values.EVENTSTORE_URL === undefined) {
      throw new UsageError('PROFILE=cluster needs EVENTSTORE_URL (or --event-store URL, or --data-dir DIR)');
    }
    return serverAt(values.EVENTSTORE_URL, 'EVENTSTORE_URL');
  }
  if (values.EVENTSTORE_URL !== undefined && !isSet(variables['PROFILE'])) {
    throw new UsageError('EVENTSTORE_URL is set and PROFILE is not: set PROFILE to cluster or embedded');
  }
  return directoryAt(values.DATA_DIR, isSet(variables['DATA_DIR']) ? 'DATA_DIR' : 'the default of DATA_DIR');
}

/**
 * The data directory that the user asked for, for a verb that works on a directory alone.
 * @param instead what to do about a server
 * @throws UsageError also when the log is kept by a server
 */
export function directorySource(flags: SourceFlags, variables: Variables, instead: string): string {
  const source = logSource(flags, variables);
  if (source.kind === 'directory') return source.directory;
  throw new UsageError(`the log is kept by EventStoreDB (${source.chosenBy}): ${instead}`);
}

/** For people: which log it is and what chose it. Without the user and password. */
export function describeSource(source: LogSource): string {
  const place = source.kind === 'directory' ? source.directory : source.connectionString.replace(LOGIN, '//***@');
  return `${place} (${source.chosenBy})`;
}

function directoryAt(directory: string, chosenBy: string): LogSource {
  if (directory === '') throw new UsageError(`${chosenBy} is empty`);
  return { kind: 'directory', directory: resolve(directory), chosenBy };
}

function serverAt(connectionString: string, chosenBy: string): LogSource {
  if (!/^esdb(\+discover)?:\/\/./.test(connectionString)) {
    throw new UsageError(`${chosenBy} must begin with esdb:// or esdb+discover://`);
  }
  return { kind: 'server', connectionString, chosenBy };
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
