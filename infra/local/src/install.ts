import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  findKafka,
  findRedis,
  KAFKA_VERSION,
  kafkaCache,
  onPath,
  type Found,
  type KafkaPrograms,
  type RedisPrograms,
} from './programs.js';

const run = promisify(execFile);
const INSTALL_MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 10_000_000;
const LOG4J_VERSION = '2.25.1';

/** Set to `never`, nothing is installed or fetched. */
const mayInstall = (): boolean => process.env.LIVEGIFT_INSTALL !== 'never';

/** Finds Redis; where it may (as root, with apt-get) installs it first. */
export async function findOrInstallRedis(): Promise<Found<RedisPrograms>> {
  const found = findRedis();
  if ('programs' in found || !mayInstall() || process.getuid?.() !== 0 || onPath('apt-get') === null) return found;
  try {
    await aptGet('install', '-y', '--no-install-recommends', 'redis-server').catch(async () => {
      await aptGet('update');
      await aptGet('install', '-y', '--no-install-recommends', 'redis-server');
    });
    // The package starts a service of its own where there is systemd; we start ours, on our ports.
    await run('systemctl', ['disable', '--now', 'redis-server']).catch(() => undefined);
  } catch (error) {
    return afterFailure(found, 'apt-get install redis-server', error);
  }
  return findRedis();
}

/** Finds Kafka; where it may (with Java and Maven) fetches it from Maven Central into the cache first. */
export async function findOrInstallKafka(): Promise<Found<KafkaPrograms>> {
  const found = findKafka();
  const fetchable = onPath('java') !== null && onPath('mvn') !== null && !process.env.KAFKA_HOME;
  if ('programs' in found || !mayInstall() || !fetchable) return found;
  try {
    await fetchKafka();
  } catch (error) {
    return afterFailure(found, 'mvn dependency:copy-dependencies', error);
  }
  return findKafka();
}

function aptGet(...args: readonly string[]): Promise<unknown> {
  return run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: INSTALL_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
}

function afterFailure({ missing }: { missing: string }, command: string, error: unknown): { missing: string } {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
  const words = (stderr || stdout || message).trim().split('\n').slice(-3).join(' ');
  return { missing: `${missing} (${command} failed: ${words})` };
}

/** Complete or absent: fetched beside its place and moved there, so that two at once do each other no harm. */
async function fetchKafka(): Promise<void> {
  const cache = kafkaCache();
  await mkdir(dirname(cache), { recursive: true });
  const fetched = await mkdtemp(`${cache}.fetching-`);
  try {
    await writeFile(join(fetched, 'pom.xml'), POM);
    const libs = join(fetched, 'libs');
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`];
    const options = { cwd: fetched, timeout: INSTALL_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
    await run('mvn', ['--batch-mode', '--quiet', ...goal], options);
    await rename(libs, cache).catch((error: unknown) => {
      if (!existsSync(cache)) throw error;
    });
  } finally {
    await rm(fetched, { recursive: true, force: true });
  }
}

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;

/** Kafka brings the front of its logging (slf4j 1.7); a back end must be chosen. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>livegift</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
    ${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}
    ${dependency('org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION)}
  </dependencies>
</project>
`;
