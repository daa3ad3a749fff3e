import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export const KAFKA_VERSION = '4.1.1';
/** Functions, and a port of one's own for the cluster's bus, came with it. */
const REDIS_MAJOR_MIN = 7;

/** What was found, or a sentence that says what is missing and how to get it. */
export type Found<Programs> = { readonly programs: Programs } | { readonly missing: string };

export interface RedisPrograms {
  readonly server: string;
  readonly cli: string;
}

export interface KafkaPrograms {
  readonly java: string;
  /** As Java wants it, with its asterisk. */
  readonly classPath: string;
}

/** Outside the checkout, so that a fresh clone need not fetch again. */
export function cacheDirectory(): string {
  return process.env.LIVEGIFT_CACHE_DIR || join(homedir(), '.cache', 'livegift');
}

export function kafkaCache(): string {
  return join(cacheDirectory(), `kafka-${KAFKA_VERSION}`);
}

/** Looks, and installs nothing; synchronous, since a test file must decide while it declares its tests. */
export function findRedis(): Found<RedisPrograms> {
  const server = onPath('redis-server');
  const cli = onPath('redis-cli');
  const howTo = 'install Redis 7 or later (Debian: apt-get install redis-server; macOS: brew install redis)';
  if (server === null || cli === null) {
    return {
      missing: `${server === null ? 'redis-server' : 'redis-cli'} is not on the PATH: ${howTo}`,
    };
  }
  const major = Number(/v=(\d+)/.exec(execFileSync(server, ['--version'], { encoding: 'utf8' }))?.[1]);
  if (!(major >= REDIS_MAJOR_MIN)) return { missing: `${server} is older than Redis ${REDIS_MAJOR_MIN}: ${howTo}` };
  return { programs: { server, cli } };
}

/** Looks in `KAFKA_HOME` (an unpacked Kafka) and in the cache, and fetches nothing. */
export function findKafka(): Found<KafkaPrograms> {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : onPath('java');
  if (java === null || !existsSync(java)) {
    return { missing: 'java is not on the PATH: install a Java runtime, 17 or later' };
  }
  const home = process.env.KAFKA_HOME;
  const jars = home ? join(home, 'libs') : kafkaCache();
  if (!existsSync(jars)) {
    const howTo = home
      ? 'KAFKA_HOME must be an unpacked Kafka'
      : 'install Maven (npm run servers then fetches it), or set KAFKA_HOME to an unpacked Kafka';
    return { missing: `Kafka ${KAFKA_VERSION} is not in ${jars}: ${howTo}` };
  }
  return { programs: { java, classPath: join(jars, '*') } };
}

export function onPath(program: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(directory, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this one.
    }
  }
  return null;
}
