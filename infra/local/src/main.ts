import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from './kafka.js';
import { startRedis } from './redis.js';

const USAGE = `npm run servers -- [options]   starts Redis and Kafka on 127.0.0.1 until Ctrl-C

  --redis-port N   default 6379
  --kafka-port N   default 9092
  --data-dir PATH  default ./data/local
  --event-store    says how to get an EventStoreDB
`;
const EVENT_STORE = `EventStoreDB comes in a container only: docker compose -f infra/compose.yml up eventstore,
then export EVENTSTORE_URL=esdb://127.0.0.1:2113?tls=false
To try things without one: npm run cluster starts a stand-in that is for tests.
`;

type Server = Awaited<ReturnType<typeof startRedis>> | Awaited<ReturnType<typeof startKafka>>;

const options = {
  'redis-port': { type: 'string', default: '6379' },
  'kafka-port': { type: 'string', default: '9092' },
  'data-dir': { type: 'string', default: join('data', 'local') },
  'event-store': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function portOf(name: string, value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`--${name} must be a port, 1 to 65535`);
  return port;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (values['event-store']) process.stdout.write(EVENT_STORE);
  const directory = resolve(values['data-dir']);
  const redisPort = portOf('redis-port', values['redis-port']);
  const kafkaPort = portOf('kafka-port', values['kafka-port']);
  const servers: Server[] = [];
  const asked = new Promise<void>((done) => {
    process.once('SIGINT', () => done());
    process.once('SIGTERM', () => done());
  });
  try {
    const redis = await startRedis({ port: redisPort, directory: join(directory, 'redis') });
    servers.push(redis);
    const kafka = await startKafka({ port: kafkaPort, directory: join(directory, 'kafka') });
    servers.push(kafka);
    process.stdout.write(`Data in ${directory}. Ctrl-C ends both.\n\n`);
    process.stdout.write(`export REDIS_URL=${redis.url}\nexport KAFKA_BROKERS=${kafka.brokers}\n`);
    // Nothing else keeps this process alive.
    const alive = setInterval(() => undefined, 60_000);
    await asked;
    clearInterval(alive);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`servers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
