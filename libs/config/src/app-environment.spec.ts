import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getMetadataStorage } from 'class-validator';
import { APP_KEYS, keysOf, readAppEnvironment, type AppName } from './app-environment.js';
import { checkConfig } from './check-config.js';
import { ConfigurationError, type ConfigurationFault } from './configuration-error.js';
import { ENVIRONMENT_KEYS, EnvironmentVariables } from './environment.js';

const APPS = Object.keys(APP_KEYS) as AppName[];
const CLUSTER = {
  PROFILE: 'cluster',
  EVENTSTORE_URL: 'esdb://me:hidden-1@store:2113?tls=false',
  REDIS_URL: 'redis://:hidden-2@cache:6379',
  KAFKA_BROKERS: 'broker-1:9092,broker-2:9092',
};

function faultsOf(app: AppName, variables: Record<string, string>): readonly ConfigurationFault[] {
  try {
    readAppEnvironment(app, variables);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}

describe('the environment of an app', () => {
  it('is complete with what the README says it requires', () => {
    expect(readAppEnvironment('standalone', {})).toMatchObject({ profile: 'embedded' });
    for (const app of APPS.filter((name) => name !== 'standalone')) {
      expect(readAppEnvironment(app, CLUSTER)).toMatchObject({
        profile: 'cluster',
        redisUrl: CLUSTER.REDIS_URL,
        kafkaBrokers: ['broker-1:9092', 'broker-2:9092'],
      });
    }
  });

  it.each(APPS.flatMap((app) => APP_KEYS[app].required.map((key) => [app, key] as const)))(
    'of %s cannot do without %s',
    (app, key) => {
      expect(faultsOf(app, { ...CLUSTER, [key]: '' })).toEqual([
        { key, rule: 'isDefined', message: `${key} is required` },
      ]);
    },
  );

  it('names every broken rule at once, each key once', () => {
    const wrong = { PROFILE: 'cluster', EVENTSTORE_URL: 'http://store', PORT: 'web', KAFKA_BROKERS: 'b:1' };
    expect(faultsOf('publisher', wrong)).toEqual([
      { key: 'PORT', rule: 'isPort', message: 'PORT must be 1 to 65535' },
      { key: 'EVENTSTORE_URL', rule: 'matches', message: expect.stringMatching(/^EVENTSTORE_URL must be esdb:/) },
      { key: 'REDIS_URL', rule: 'isDefined', message: 'REDIS_URL is required' },
    ]);
  });

  it('belongs to its profile', () => {
    expect(faultsOf('standalone', CLUSTER)).toEqual([
      { key: 'PROFILE', rule: 'equals', message: 'PROFILE must be embedded for standalone' },
    ]);
    expect(faultsOf('settlement', { ...CLUSTER, PROFILE: 'embedded' })).toEqual([
      { key: 'PROFILE', rule: 'equals', message: expect.stringMatching(/^PROFILE must be cluster for /) },
    ]);
    expect(faultsOf('settlement', { ...CLUSTER, PROFILE: 'both' })).toEqual([
      { key: 'PROFILE', rule: 'equals', message: expect.stringMatching(/^PROFILE must be cluster for /) },
    ]);
  });
});

describe('check-config', () => {
  it('prints what would be used, without a secret', () => {
    const { exitCode, lines } = checkConfig('settlement', { ...CLUSTER, PORT: '4000' });
    expect({ exitCode, lines }).toEqual({
      exitCode: 0,
      lines: [
        'EVENTSTORE_URL=esdb://***@store:2113?tls=false',
        'REDIS_URL=redis://***@cache:6379',
        'PROFILE=cluster',
        'HOST=127.0.0.1',
        'PORT=4000',
        'LOG_LEVEL=info',
        'DRAIN_MS_MAX=10000',
        'CONSUMER_STALL_MS_MAX=15000',
        'ALLOWED_HOSTS=',
        'CLOCK_SKEW_MS_MAX=10000',
        'EVENTSTORE_ANSWER_MS_MAX=3000',
      ],
    });
  });

  it('prints no password, whatever characters it is made of', () => {
    const secret = 'hid?den:%2F#2';
    const { exitCode, lines } = checkConfig('room-gateway', { ...CLUSTER, REDIS_URL: `redis://:${secret}@cache:6379` });
    expect(exitCode).toBe(0);
    expect(lines).toContain('REDIS_URL=redis://***@cache:6379');
  });

  it('prints of a password to Kafka that there is one', () => {
    const login = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USER: 'me', KAFKA_SASL_PASSWORD: 'hidden-4' };
    const { exitCode, lines } = checkConfig('publisher', { ...CLUSTER, ...login, KAFKA_TLS: 'true' });
    expect(exitCode).toBe(0);
    expect(lines.filter((line) => /^KAFKA_(TLS|SASL)/.test(line))).toEqual([
      'KAFKA_TLS=true',
      'KAFKA_SASL_MECHANISM=plain',
      'KAFKA_SASL_USER=me',
      'KAFKA_SASL_PASSWORD=***',
    ]);
    expect(checkConfig('publisher', CLUSTER).lines).toContain('KAFKA_SASL_PASSWORD=');
    expect(lines.join()).not.toContain('hidden-4');
  });

  it('prints every key and rule that is broken, and no value', () => {
    const wrong = { ...CLUSTER, REDIS_URL: 'hidden-2@cache', DRAIN_MS_MAX: 'hidden-3' };
    const { exitCode, lines } = checkConfig('gift-api', wrong);
    expect(exitCode).toBe(1);
    expect([...lines].sort()).toEqual([
      'DRAIN_MS_MAX must be an integer number',
      'DRAIN_MS_MAX must not be greater than 600000',
      'DRAIN_MS_MAX must not be less than 100',
      expect.stringMatching(/^REDIS_URL must be redis:/),
    ]);
  });

  it('knows the apps', () => {
    expect(checkConfig('web', {})).toEqual({
      exitCode: 1,
      lines: ['which app? One of: standalone, gift-api, settlement, projector, publisher, room-gateway'],
    });
  });
});

describe('the table of keys in the README', () => {
  const rows = readFileSync(join(__dirname, '../README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map(([, key, what, byDefault, apps]) => ({
      key: key!.slice(1, -1),
      what: what!,
      byDefault: byDefault!,
      apps: apps!,
    }));

  it('has every key, with its default and the apps that read it', () => {
    const defaults = new EnvironmentVariables() as unknown as Record<string, string | number | undefined>;
    const told = ENVIRONMENT_KEYS.map((key) => {
      const readers = APPS.filter((app) => keysOf(app).includes(key));
      const named = readers.map((app) =>
        (APP_KEYS[app].required as readonly string[]).includes(key) ? `**${app}**` : app,
      );
      const apps = readers.length === APPS.length ? 'all' : named.join(', ');
      return { key, byDefault: defaults[key] === undefined ? '' : `\`${defaults[key]}\``, apps };
    });
    expect(rows.map(({ key, byDefault, apps }) => ({ key, byDefault, apps }))).toEqual(told);
  });

  it('says from what to what each number may be, as it is checked', () => {
    const rules = getMetadataStorage().getTargetValidationMetadatas(EnvironmentVariables, '', false, false);
    const bound = (key: string, name: string): number | undefined =>
      rules.find((rule) => rule.propertyName === key && rule.name === name)?.constraints[0] as number | undefined;
    const numbers = rows.filter(({ key }) => bound(key, 'min') !== undefined);
    expect(numbers.length).toBeGreaterThan(10);
    for (const { key, what } of numbers) {
      const range = [bound(key, 'min')!, bound(key, 'max')!].map((value) => value.toLocaleString('en')).join(' to ');
      expect({ key, what }).toEqual({ key, what: expect.stringContaining(`(${range})`) });
    }
  });
});
