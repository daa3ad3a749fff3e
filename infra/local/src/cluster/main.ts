import { join, resolve } from 'node:path';
import { freePort, freePorts } from '../free-ports.js';
import { startKafka } from '../kafka.js';
import { startRedis } from '../redis.js';
import { CLUSTER_APPS, type ClusterAppName } from './app-process.js';
import { credentialsFile, credentialsIn } from './credentials.js';
import { CLUSTER_USAGE, clusterOptions, UsageError, type ClusterOptions } from './cluster-options.js';
import { openDoor, type Door } from './door.js';
import { EventStoreStandIn } from './stand-in-process.js';
import { SupervisedApp } from './supervised-app.js';

const HOST = '127.0.0.1';
const DOOR_PORT_DEFAULT = 3_000;
const READY_MS_MAX = 120_000;
/** Ctrl-C comes from the terminal and once more from npm: that is one signal. */
const ONE_SIGNAL_MS = 500;
/** Whoever asks again cannot wait. */
const BROKEN_OFF = 1;
const USAGE = 2;

interface Running {
  readonly stop: () => Promise<void>;
}

const say = (line: string): void => void process.stdout.write(`cluster       | ${line}\n`);
/** In the order of starting; they are stopped the other way round. */
const running: Running[] = [];
let stoppingSinceMs: number | null = null;

async function main(): Promise<void> {
  const options = clusterOptions(process.argv.slice(2), process.env);
  const env = { ...(await startServers(options)), PORT: undefined };
  const apps = await startApps(options, env);
  const ofApp = (app: ClusterAppName) => () =>
    apps.map((supervised) => supervised.process).filter((each) => each.app === app && each.isRunning);
  const port = Number(process.env['PORT'] ?? DOOR_PORT_DEFAULT);
  const door = await openDoor({ host: HOST, port, giftApis: ofApp('gift-api'), roomGateways: ofApp('room-gateway') });
  // Before the last of the apps: those answer what they have begun while it is still open.
  running.splice(running.length - 1, 0, { stop: () => door.close() });
  await Promise.all(apps.map((supervised) => supervised.process.ready(READY_MS_MAX)));
  sayReady(door);
}

/** What the environment does not name is started here. @returns what the apps are told */
async function startServers({ standIn }: ClusterOptions): Promise<Record<string, string | undefined>> {
  const directory = resolve(process.env['DATA_DIR'] || './data', 'cluster');
  const { redisPassword, kafkaUser, kafkaPassword } = credentialsIn(directory);
  let { EVENTSTORE_URL, REDIS_URL, KAFKA_BROKERS } = process.env;
  let kafkaAccess: Readonly<Record<string, string>> = {};
  if (standIn) {
    const store = new EventStoreStandIn(join(directory, 'event-store.log'), await freePort());
    await store.start();
    running.push(store);
    EVENTSTORE_URL = store.url;
    say('THE EVENT STORE IS A STAND-IN, FOR TESTS ONLY: for anything else name an EventStoreDB in EVENTSTORE_URL');
  }
  if (!REDIS_URL) {
    say('starting Redis (REDIS_URL names none)');
    const redis = await startRedis({ directory: join(directory, 'redis'), password: redisPassword });
    running.push(redis);
    REDIS_URL = redis.url;
  }
  if (!KAFKA_BROKERS) {
    say('starting Kafka (KAFKA_BROKERS names none)');
    const login = { user: kafkaUser, password: kafkaPassword };
    const kafka = await startKafka({ directory: join(directory, 'kafka-with-login'), login });
    running.push(kafka);
    KAFKA_BROKERS = kafka.brokers;
    kafkaAccess = {
      KAFKA_TLS: 'false',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_SASL_USER: kafkaUser,
      KAFKA_SASL_PASSWORD: kafkaPassword,
    };
  }
  say(`logins of the servers that are started here: ${credentialsFile(directory)}`);
  return { EVENTSTORE_URL, REDIS_URL, KAFKA_BROKERS, ...kafkaAccess };
}

async function startApps(
  { counts }: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly SupervisedApp[]> {
  const names = CLUSTER_APPS.flatMap((app) =>
    Array.from({ length: counts[app] }, (_, index) => ({ app, name: counts[app] > 1 ? `${app}-${index + 1}` : app })),
  );
  const ports = await freePorts(names.length);
  const apps = names.map(({ app, name }, index) => {
    const onLine = (line: string): void => void process.stdout.write(`${name.padEnd(13)} | ${line}\n`);
    return new SupervisedApp({ app, name, port: ports[index]!, env, onLine }, say);
  });
  const isDoor = (each: SupervisedApp): boolean => ['gift-api', 'room-gateway'].includes(each.process.app);
  // Those that clients talk to are stopped first, the workers after them.
  for (const group of [apps.filter((each) => !isDoor(each)), apps.filter(isDoor)]) {
    running.push({ stop: async () => void (await Promise.all(group.map((each) => each.stop()))) });
    for (const each of group) each.start();
  }
  return apps;
}

function sayReady({ url }: Door): void {
  say(`livegift listens on ${url}`);
  say(`  API      ${url}/v1   (described at ${url}/docs)`);
  say(`  health   ${url}/health/ready   metrics: each process has its own`);
  say('  Ctrl-C stops everything');
}

async function stop(): Promise<void> {
  stoppingSinceMs = performance.now();
  say('stopping');
  for (const each of running.splice(0).reverse()) await each.stop().catch((error: unknown) => say(String(error)));
}

async function fail(error: unknown): Promise<void> {
  if (stoppingSinceMs !== null) return;
  if (error instanceof UsageError) {
    process.stderr.write(`cluster: ${error.message}\n\n${CLUSTER_USAGE}\n`);
    process.exit(USAGE);
  }
  process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  await stop();
  process.exit(1);
}

function onSignal(): void {
  if (stoppingSinceMs === null) void stop().then(() => process.exit(0));
  else if (performance.now() - stoppingSinceMs > ONE_SIGNAL_MS) process.exit(BROKEN_OFF);
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
main().catch(fail);
