import type { Telemetry } from '@livegift/kernel';
import { Cluster, Redis, type CommonRedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-address.js';

export type RedisClient = Redis | Cluster;

/** To be connected, all tries of the client included. */
const CONNECTED_MS_MAX = 10_000;
const CONNECT_MS_MAX = 2_000;
/** An answer that a half-dead connection never brings: the connection is given up, and made anew. */
const SILENT_MS_MAX = 10_000;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MS_MAX = 2_000;
/** A failover moves a slot once, perhaps twice. */
const REDIRECTIONS_MAX = 4;

/** Connected to what there is: the first node that answers says whether it is one Redis or a cluster. */
export async function connectRedis(address: RedisAddress, telemetry: Telemetry): Promise<RedisClient> {
  let problem: unknown;
  for (const node of address.nodes) {
    const options = { ...optionsOf(address), ...node, db: address.db, lazyConnect: true };
    const probe = new Redis({ ...options, retryStrategy: null });
    // When connecting fails it says only that the connection is closed; before, by this event, why.
    let cause: Error | null = null;
    probe.on('error', (error: Error) => (cause = error));
    try {
      await probe.connect();
      const isCluster = /^cluster_enabled:1/m.test(await probe.info('cluster'));
      return await connected(isCluster ? clusterOf(address) : new Redis({ ...options, retryStrategy }), telemetry);
    } catch (error) {
      problem = cause ?? error;
    } finally {
      probe.disconnect();
    }
  }
  throw problem;
}

/** The text alone: an error of the client also holds the words of its command. */
export function redisProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses that all refused, Node makes one error that has a code and no text.
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message;
  return 'lastNodeError' in error && error.lastNodeError instanceof Error
    ? `${text} (${error.lastNodeError.message})`
    : text;
}

function clusterOf(address: RedisAddress): Cluster {
  return new Cluster([...address.nodes], {
    redisOptions: optionsOf(address),
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    maxRedirections: REDIRECTIONS_MAX,
    // With certificates nodes are known by their names, which are not to be looked up before.
    ...(address.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
  });
}

function optionsOf({ username, password, tls }: RedisAddress): CommonRedisOptions & { tls?: object } {
  return {
    username,
    password,
    ...(tls ? { tls: {} } : {}),
    protocol: 2,
    connectTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENT_MS_MAX,
    enableOfflineQueue: false,
    // Nobody waits for a replacement that is sent a second time, after something else has happened.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A master that became a replica: its name leads to another one now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

async function connected<Client extends RedisClient>(client: Client, telemetry: Telemetry): Promise<Client> {
  let last = '';
  client.on('error', (error: unknown) => {
    const problem = redisProblem(error);
    if (problem !== last) telemetry.warn('leases: Redis', { problem });
    last = problem;
  });
  client.on('ready', () => (last = ''));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not connected within ${CONNECTED_MS_MAX} ms`)), CONNECTED_MS_MAX);
  });
  // A Cluster forgets the promise of its `connect` when its first look finds it failing over, and is ready some tries later.
  const ready = new Promise<void>((resolve) => void client.once('ready', resolve));
  try {
    await Promise.race([client.connect(), ready, late]);
    return client;
  } catch (error) {
    client.disconnect();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function retryStrategy(times: number): number {
  return Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times, 10), RECONNECT_MS_MAX);
}
