import 'reflect-metadata';
import {
  IsDefined,
  IsIn,
  IsInt,
  IsOptional,
  IsPort,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
  validateSync,
} from 'class-validator';
import { ConfigurationError, type ConfigurationFault } from './configuration-error.js';
import { IsOrigins } from './origins.rule.js';

/** `+00:00` from -12:00 to +14:00. */
const UTC_OFFSET = /^(\+(0\d|1[0-3]):[0-5]\d|\+14:00|-(0\d|1[01]):[0-5]\d|-12:00)$/;
const NO_CONTROL_CHARACTERS = /^[^\p{Cc}]*$/u;
/** Origins between commas, each without a path. */
const HOST_NAMES = /^\s*[a-z0-9.-]{1,253}\s*(,\s*[a-z0-9.-]{1,253}\s*){0,99}$/;

const PORT_PART = String.raw`(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])`;
/** As the clients read them: what they would refuse later, with no word of the key, is refused here. */
const LOGIN_CHARACTER = String.raw`(?:[^@/?%:\s]|%[0-9a-fA-F]{2})`;
const EVENTSTORE_URL = new RegExp(
  String.raw`^esdb(\+discover)?://(${LOGIN_CHARACTER}+:${LOGIN_CHARACTER}+@)?[^@/?\s]+/?(\?[^@\s]*)?$`,
);
/** One server or several nodes. */
const REDIS_NODE = String.raw`(?:\[[0-9a-fA-F:.]+\]|[^@,/:[\]\s]+):${PORT_PART}`;
const REDIS_URL = new RegExp(
  String.raw`^rediss?://((?:${LOGIN_CHARACTER}|[?:])*@)?${REDIS_NODE}(,${REDIS_NODE})*(/\d{0,3})?$`,
);
const KAFKA_BROKER = String.raw`\s*[^\s,:/@]+:${PORT_PART}\s*`;
const KAFKA_BROKERS = new RegExp(`^${KAFKA_BROKER}(,${KAFKA_BROKER})*$`);
const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const DAY_MS = 86_400_000;

/** A login is all of its three keys or none: one alone would be left out without a word. */
const hasKafkaLogin = (read: EnvironmentVariables): boolean =>
  [read.KAFKA_SASL_MECHANISM, read.KAFKA_SASL_USER, read.KAFKA_SASL_PASSWORD].some((value) => value !== undefined);

/** What a deployment may choose. Every field is an environment variable; its default stands here. */
export class EnvironmentVariables {
  @Length(1, 255)
  HOST = '127.0.0.1';

  @IsPort({ message: '$property must be 1 to 65535' })
  PORT = '3000';

  @Length(1, 4_096)
  @Matches(NO_CONTROL_CHARACTERS, { message: '$property must not contain control characters' })
  DATA_DIR = './data';

  @IsIn(['embedded', 'cluster'])
  PROFILE = 'embedded';

  @Matches(UTC_OFFSET, { message: '$property must be an offset from -12:00 to +14:00, as +05:30' })
  BOARD_UTC_OFFSET = '+00:00';

  /** Origins that browsers may call from, between commas. Without it: any localhost. */
  @IsOptional()
  @IsOrigins()
  CORS_ORIGINS?: string;

  /** Names that a request's Host may have besides those of this machine, between commas, in small letters, without a port. */
  @IsOptional()
  @Matches(HOST_NAMES, { message: '$property must be host names in small letters, without ports, between commas' })
  ALLOWED_HOSTS?: string;

  @IsIn(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
  LOG_LEVEL = 'info';

  /** Days back from when the newest gift was recorded that hour, day, week and month boards stay readable. Without it: for ever. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(36_500)
  BOARD_RETENTION_DAYS?: number;

  @IsOptional()
  @Matches(EVENTSTORE_URL, {
    message:
      '$property must be esdb://[user:password@]host:port or esdb+discover://…, user and password percent-encoded',
  })
  EVENTSTORE_URL?: string;

  @IsOptional()
  @Matches(REDIS_URL, {
    message:
      '$property must be redis://[user:password@]host:port[,host:port…], or rediss://… for TLS, user and password percent-encoded',
  })
  REDIS_URL?: string;

  @IsOptional()
  @Matches(KAFKA_BROKERS, { message: '$property must be host:port between commas' })
  KAFKA_BROKERS?: string;

  @ValidateIf(hasKafkaLogin)
  @IsDefined({ message: '$property is required' })
  @IsIn(SASL_MECHANISMS)
  KAFKA_SASL_MECHANISM?: string;

  @ValidateIf(hasKafkaLogin)
  @IsDefined({ message: '$property is required' })
  @Length(1, 255)
  @Matches(NO_CONTROL_CHARACTERS, { message: '$property must not contain control characters' })
  KAFKA_SASL_USER?: string;

  /** A line break at its end, as files and secrets like to have, is no part of a password. */
  @ValidateIf(hasKafkaLogin)
  @IsDefined({ message: '$property is required' })
  @Length(1, 4_096)
  @Matches(NO_CONTROL_CHARACTERS, { message: '$property must not contain control characters' })
  KAFKA_SASL_PASSWORD?: string;

  /** An answer of the event store that takes longer is not waited for: commands then answer 503. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  EVENTSTORE_ANSWER_MS_MAX = 3_000;

  /** Of the topic of room events, when it is made. Chosen once: adding some breaks the order per room. */
  @IsInt()
  @Min(1)
  @Max(1_000)
  KAFKA_TOPIC_PARTITIONS = 12;

  /** Of the topics, when they are made; no more than there are brokers. */
  @IsInt()
  @Min(1)
  @Max(15)
  KAFKA_REPLICATION_FACTOR = 1;

  /** Brokers are spoken to over TLS, trusting whom Node trusts; `NODE_EXTRA_CA_CERTS` names more. */
  @IsIn(['true', 'false'])
  KAFKA_TLS = 'false';

  /** A consumer that makes no progress for longer is not ready, as long as there is or may be something to do. */
  @IsInt()
  @Min(1_000)
  @Max(3_600_000)
  CONSUMER_STALL_MS_MAX = 15_000;

  /** A shutdown that takes longer is cut off. */
  @IsInt()
  @Min(100)
  @Max(600_000)
  DRAIN_MS_MAX = 10_000;

  /**
   * A process whose wall clock differs by more from Redis's, or is behind the event store's newest event by more, records
   * nothing: commands answer 503.
   */
  @IsInt()
  @Min(2_000)
  @Max(31_536_000_000)
  CLOCK_SKEW_MS_MAX = 10_000;

  /** Two gifts further apart than this are two streaks. Wallets forget a streak after a minute. */
  @IsInt()
  @Min(1)
  @Max(60_000)
  STREAK_WINDOW_MS = 3_000;

  /** The creator's part of a gift, in hundredths of a percent. */
  @IsInt()
  @Min(0)
  @Max(10_000)
  CREATOR_SHARE_BPS = 5_000;

  @IsInt()
  @Min(1_024)
  @Max(16_777_216)
  BODY_BYTES_MAX = 65_536;

  @IsInt()
  @Min(1_024)
  @Max(268_435_456)
  BULK_BODY_BYTES_MAX = 16_777_216;

  @IsInt()
  @Min(1)
  @Max(100_000)
  BULK_LINES_MAX = 10_000;

  /** Embedded: after about so many events the read model is written to disk, for the next start to begin from. */
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  SNAPSHOT_EVERY_EVENTS = 1_000_000;

  /** Embedded: rooms, creators and viewers that the read model holds in memory; 2 to 9 kB each. */
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  READ_MODEL_SUBJECTS_MAX = 1_000_000;
}

export type Profile = 'embedded' | 'cluster';

/** As whom a process comes to Kafka. */
export interface KafkaLogin {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly user: string;
  readonly password: string;
}

/** The environment, read once. Sizes in bytes, times in milliseconds. */
export interface Environment {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly profile: Profile;
  readonly boardUtcOffset: string;
  /** Null: any localhost, as in development. */
  readonly corsOrigins: readonly string[] | null;
  readonly allowedHosts: readonly string[];
  /** Null: boards are kept for ever. */
  readonly boardRetentionMs: number | null;
  readonly logLevel: string;
  readonly eventStoreUrl: string | null;
  readonly eventStoreAnswerMsMax: number;
  readonly redisUrl: string | null;
  readonly kafkaBrokers: readonly string[] | null;
  readonly kafkaTls: boolean;
  /** Null: the broker asks nobody who they are. */
  readonly kafkaLogin: KafkaLogin | null;
  readonly kafkaTopicPartitions: number;
  readonly kafkaReplicationFactor: number;
  readonly drainMsMax: number;
  readonly consumerStallMsMax: number;
  readonly clockSkewMsMax: number;
  readonly streakWindowMs: number;
  readonly creatorShareBps: number;
  readonly bodyBytesMax: number;
  readonly bulkBodyBytesMax: number;
  readonly bulkLinesMax: number;
  readonly snapshotEveryEvents: number;
  readonly readModelSubjectsMax: number;
}

/**
 * Reads and validates the environment. An empty variable counts as absent; unknown ones are not ours to judge.
 * @throws ConfigurationError naming each key and the rule that it breaks, never its value
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const { values, faults } = readVariables(variables);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return environmentOf(values);
}

/** As `readEnvironment` begins: what each key would be, and every rule that is broken. */
export function readVariables(variables: Readonly<Record<string, string | undefined>>): {
  readonly values: EnvironmentVariables;
  readonly faults: readonly ConfigurationFault[];
} {
  const values = new EnvironmentVariables();
  const target = values as unknown as Record<string, unknown>;
  for (const key of ENVIRONMENT_KEYS) {
    const text = variables[key];
    if (text === undefined || text === '') continue;
    target[key] = typeof target[key] === 'number' || NUMBERS_WITHOUT_DEFAULT.has(key) ? numberFrom(text) : text;
  }
  // What is not there is judged by `IsDefined` alone: one word about it, and not a rule for its characters too.
  const faults = validateSync(values, { skipUndefinedProperties: true }).flatMap((error) =>
    Object.entries(error.constraints ?? {}).map(([rule, message]): ConfigurationFault => ({
      key: error.property,
      rule,
      message,
    })),
  );
  return { values, faults };
}

const WITHOUT_DEFAULT = [
  'BOARD_RETENTION_DAYS',
  'CORS_ORIGINS',
  'ALLOWED_HOSTS',
  'EVENTSTORE_URL',
  'REDIS_URL',
  'KAFKA_BROKERS',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USER',
  'KAFKA_SASL_PASSWORD',
] as const;
const NUMBERS_WITHOUT_DEFAULT: ReadonlySet<string> = new Set(['BOARD_RETENTION_DAYS']);

export type EnvironmentKey = keyof EnvironmentVariables;
export const ENVIRONMENT_KEYS = [...Object.keys(new EnvironmentVariables()), ...WITHOUT_DEFAULT] as EnvironmentKey[];

/** NaN for what is not plain decimal digits, which then breaks `isInt`. */
function numberFrom(text: string): number {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

function listOf(text: string | undefined): readonly string[] | null {
  return text === undefined ? null : Object.freeze(text.split(',').map((item) => item.trim()));
}

function kafkaLoginOf(read: EnvironmentVariables): KafkaLogin | null {
  if (!hasKafkaLogin(read)) return null;
  return Object.freeze({
    mechanism: read.KAFKA_SASL_MECHANISM as KafkaLogin['mechanism'],
    user: read.KAFKA_SASL_USER!,
    password: read.KAFKA_SASL_PASSWORD!,
  });
}

/** Frozen. */
export function environmentOf(read: EnvironmentVariables): Environment {
  return Object.freeze({
    host: read.HOST,
    port: Number(read.PORT),
    dataDir: read.DATA_DIR,
    profile: read.PROFILE as Profile,
    boardUtcOffset: read.BOARD_UTC_OFFSET,
    corsOrigins: listOf(read.CORS_ORIGINS),
    allowedHosts: listOf(read.ALLOWED_HOSTS) ?? Object.freeze([]),
    boardRetentionMs: read.BOARD_RETENTION_DAYS === undefined ? null : read.BOARD_RETENTION_DAYS * DAY_MS,
    logLevel: read.LOG_LEVEL,
    eventStoreUrl: read.EVENTSTORE_URL ?? null,
    eventStoreAnswerMsMax: read.EVENTSTORE_ANSWER_MS_MAX,
    redisUrl: read.REDIS_URL ?? null,
    kafkaBrokers: listOf(read.KAFKA_BROKERS),
    kafkaTls: read.KAFKA_TLS === 'true',
    kafkaLogin: kafkaLoginOf(read),
    kafkaTopicPartitions: read.KAFKA_TOPIC_PARTITIONS,
    kafkaReplicationFactor: read.KAFKA_REPLICATION_FACTOR,
    drainMsMax: read.DRAIN_MS_MAX,
    consumerStallMsMax: read.CONSUMER_STALL_MS_MAX,
    clockSkewMsMax: read.CLOCK_SKEW_MS_MAX,
    streakWindowMs: read.STREAK_WINDOW_MS,
    creatorShareBps: read.CREATOR_SHARE_BPS,
    bodyBytesMax: read.BODY_BYTES_MAX,
    bulkBodyBytesMax: read.BULK_BODY_BYTES_MAX,
    bulkLinesMax: read.BULK_LINES_MAX,
    snapshotEveryEvents: read.SNAPSHOT_EVERY_EVENTS,
    readModelSubjectsMax: read.READ_MODEL_SUBJECTS_MAX,
  });
}
