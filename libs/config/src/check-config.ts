import { APP_KEYS, keysOf, readAppEnvironment, type AppName } from './app-environment.js';
import { ConfigurationError } from './configuration-error.js';
import { readVariables, type EnvironmentKey } from './environment.js';

/** The user and password of a connection string: all before its last `@`. */
const LOGIN = /\/\/.*@/;
/** Nothing of these is shown, not even how long they are. */
const SECRETS: ReadonlySet<EnvironmentKey> = new Set<EnvironmentKey>(['KAFKA_SASL_PASSWORD']);

export interface ConfigCheck {
  readonly exitCode: 0 | 1;
  /** `KEY=value` with secrets masked, or one line for each broken rule. */
  readonly lines: readonly string[];
}

/** What `npm run check-config -- <app>` says. */
export function checkConfig(app: string, variables: Readonly<Record<string, string | undefined>>): ConfigCheck {
  if (!isApp(app)) {
    return { exitCode: 1, lines: [`which app? One of: ${Object.keys(APP_KEYS).join(', ')}`] };
  }
  try {
    readAppEnvironment(app, variables);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { exitCode: 1, lines: error.faults.map(({ message }) => message) };
  }
  const { values } = readVariables(variables);
  return { exitCode: 0, lines: keysOf(app).map((key) => `${key}=${shown(key, values[key])}`) };
}

const isApp = (name: string): name is AppName => Object.hasOwn(APP_KEYS, name);

function shown(key: EnvironmentKey, value: string | number | undefined): string {
  if (value === undefined) return '';
  return SECRETS.has(key) ? '***' : String(value).replace(LOGIN, '//***@');
}
