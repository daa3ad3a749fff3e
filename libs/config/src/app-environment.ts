import { ConfigurationError, type ConfigurationFault } from './configuration-error.js';
import { environmentOf, readVariables, type Environment, type EnvironmentKey, type Profile } from './environment.js';

interface AppKeys {
  readonly profile: Profile;
  /** Without these it does not start. */
  readonly required: readonly EnvironmentKey[];
  /** What else it reads. */
  readonly optional: readonly EnvironmentKey[];
}

const EVERY_PROCESS = [
  'PROFILE',
  'HOST',
  'PORT',
  'LOG_LEVEL',
  'DRAIN_MS_MAX',
  'CONSUMER_STALL_MS_MAX',
  'ALLOWED_HOSTS',
] as const;
const BOARDS = ['BOARD_UTC_OFFSET', 'BOARD_RETENTION_DAYS'] as const;
const HTTP_API = ['CORS_ORIGINS', 'BODY_BYTES_MAX', 'BULK_BODY_BYTES_MAX', 'BULK_LINES_MAX'] as const;
const COMMANDS = ['STREAK_WINDOW_MS', 'CREATOR_SHARE_BPS'] as const;
const CLOCK = ['CLOCK_SKEW_MS_MAX'] as const;
const EVENT_STORE = [...CLOCK, 'EVENTSTORE_ANSWER_MS_MAX'] as const;
const TOPICS = ['KAFKA_TOPIC_PARTITIONS', 'KAFKA_REPLICATION_FACTOR'] as const;
/** How a Kafka is spoken to that does not let in everybody. */
export const KAFKA_ACCESS = ['KAFKA_TLS', 'KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USER', 'KAFKA_SASL_PASSWORD'] as const;

/** Which app reads what. Leases live in Redis, so that whoever shares work needs it too. */
export const APP_KEYS = {
  standalone: {
    profile: 'embedded',
    required: [],
    optional: [
      ...EVERY_PROCESS,
      ...CLOCK,
      'DATA_DIR',
      'SNAPSHOT_EVERY_EVENTS',
      'READ_MODEL_SUBJECTS_MAX',
      ...BOARDS,
      ...HTTP_API,
      ...COMMANDS,
    ],
  },
  'gift-api': {
    profile: 'cluster',
    required: ['EVENTSTORE_URL', 'REDIS_URL'],
    optional: [...EVERY_PROCESS, ...EVENT_STORE, ...BOARDS, ...HTTP_API, ...COMMANDS],
  },
  settlement: {
    profile: 'cluster',
    required: ['EVENTSTORE_URL', 'REDIS_URL'],
    optional: [...EVERY_PROCESS, ...EVENT_STORE],
  },
  projector: {
    profile: 'cluster',
    required: ['EVENTSTORE_URL', 'REDIS_URL'],
    optional: [...EVERY_PROCESS, ...EVENT_STORE, ...BOARDS],
  },
  publisher: {
    profile: 'cluster',
    required: ['EVENTSTORE_URL', 'REDIS_URL', 'KAFKA_BROKERS'],
    optional: [...EVERY_PROCESS, ...EVENT_STORE, ...TOPICS, ...KAFKA_ACCESS],
  },
  'room-gateway': {
    profile: 'cluster',
    required: ['REDIS_URL', 'KAFKA_BROKERS'],
    optional: [...EVERY_PROCESS, ...BOARDS, ...TOPICS, ...KAFKA_ACCESS, 'CORS_ORIGINS', 'STREAK_WINDOW_MS'],
  },
} as const satisfies Record<string, AppKeys>;

export type AppName = keyof typeof APP_KEYS;
export type ClusterApp = Exclude<AppName, 'standalone'>;

type With<Field extends keyof Environment> = Environment & {
  readonly [Name in Field]: NonNullable<Environment[Name]>;
};

/** The environment of each app, with what it requires. */
export interface AppEnvironments {
  readonly standalone: Environment;
  readonly 'gift-api': With<'eventStoreUrl' | 'redisUrl'>;
  readonly settlement: With<'eventStoreUrl' | 'redisUrl'>;
  readonly projector: With<'eventStoreUrl' | 'redisUrl'>;
  readonly publisher: With<'eventStoreUrl' | 'redisUrl' | 'kafkaBrokers'>;
  readonly 'room-gateway': With<'redisUrl' | 'kafkaBrokers'>;
}

/** The keys of an app, required ones first. */
export function keysOf(app: AppName): readonly EnvironmentKey[] {
  return [...APP_KEYS[app].required, ...APP_KEYS[app].optional];
}

/**
 * The environment of one app. Every known key is held to its rule, also one that only other apps read: a deployment has
 * one environment, and a wrong value is wrong wherever it is seen first. `PROFILE` must be the app's own (`equals`), and what the
 * app cannot do without must be there (`isDefined`).
 * @throws ConfigurationError naming each key and the rule that it breaks, never its value
 */
export function readAppEnvironment<App extends AppName>(
  app: App,
  variables: Readonly<Record<string, string | undefined>>,
): AppEnvironments[App] {
  const { values, faults } = readVariables(variables);
  const { profile, required }: AppKeys = APP_KEYS[app];
  const missing = required
    .filter((key) => values[key] === undefined)
    .map((key): ConfigurationFault => ({ key, rule: 'isDefined', message: `${key} is required` }));
  const ofAnother =
    values.PROFILE === profile
      ? []
      : [{ key: 'PROFILE', rule: 'equals', message: `PROFILE must be ${profile} for ${app}` }];
  // One word about each key: of a PROFILE that is none, and of one that is not this app's.
  const all = [...faults.filter(({ key }) => key !== 'PROFILE' || ofAnother.length === 0), ...ofAnother, ...missing];
  if (all.length > 0) throw new ConfigurationError(all);
  return environmentOf(values) as AppEnvironments[App];
}
