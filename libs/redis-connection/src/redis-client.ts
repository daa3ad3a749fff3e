import { Cluster, Redis, type CommonRedisOptions, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-url.js';

/** Of a single Redis or of a Redis Cluster. While there is no connection every command fails at once. */
export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  /** To make one connection. */
  readonly connectMsMax: number;
  /** An answer that a half-dead connection never brings: after so long it is given up, and made anew. */
  readonly silentMsMax: number;
  /** Scripts that become commands of the client. */
  readonly scripts?: RedisOptions['scripts'];
  /** Told of what is wrong with the connection, once for each new text; of nothing (`''`) as soon as it stands again. */
  readonly onProblem: (problem: string) => void;
}

/** To be connected, all tries of the client included. */
const CONNECTED_MS_MAX = 10_000;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MS_MAX = 2_000;
/** A command that met a moved slot, or a master that is being replaced, is tried again so often, so long after. */
const CLUSTER_TRIES_MAX = 5;
const CLUSTER_RETRY_MS = 100;

/**
 * Connected to what there is: the first node that answers says whether it is one Redis or a cluster. From then on the
 * connection is made again in the background, for ever.
 * @throws what the last node said, when none answers
 */
export async function connectRedis(address: RedisAddress, options: RedisClientOptions): Promise<RedisClient> {
  let problem: unknown = new Error('no node is named');
  for (const node of address.nodes) {
    const single = { ...commonOptions(address, options), ...node, db: address.db, lazyConnect: true };
    const probe = new Redis({ ...single, retryStrategy: null });
    // When connecting fails it says only that the connection is closed; before, by this event, why.
    let cause: Error | null = null;
    probe.on('error', (error: Error) => (cause = error));
    try {
      await probe.connect();
      const isCluster = /^cluster_enabled:1/m.test(await probe.info('cluster'));
      const client = isCluster
        ? clusterOf(address, options)
        : new Redis({ ...single, retryStrategy, scripts: options.scripts });
      return await connected(client, options);
    } catch (error) {
      problem = cause ?? error;
    } finally {
      probe.disconnect();
    }
  }
  throw problem;
}

/** The text alone: an error of the client also holds the words of its command, which may be anybody's gift or a password. */
export function redisProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses that all refused, Node makes one error that has a code and no text.
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message;
  return 'lastNodeError' in error && error.lastNodeError instanceof Error
    ? `${text} (${error.lastNodeError.message})`
    : text;
}

function clusterOf(address: RedisAddress, options: RedisClientOptions): Cluster {
  return new Cluster([...address.nodes], {
    redisOptions: commonOptions(address, options),
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    maxRedirections: CLUSTER_TRIES_MAX,
    retryDelayOnFailover: CLUSTER_RETRY_MS,
    retryDelayOnClusterDown: CLUSTER_RETRY_MS,
    retryDelayOnTryAgain: CLUSTER_RETRY_MS,
    scripts: options.scripts,
    // Certificates are for names, and a server that has a name may announce it: it is not to be looked up before.
    dnsLookup: address.tls ? (host, found) => found(null, host) : undefined,
  });
}

function commonOptions(
  { username, password, tls }: RedisAddress,
  { connectMsMax, silentMsMax }: RedisClientOptions,
): CommonRedisOptions & { tls?: object } {
  return {
    username,
    password,
    ...(tls ? { tls: {} } : {}),
    protocol: 2,
    connectTimeout: connectMsMax,
    socketTimeout: silentMsMax,
    enableOfflineQueue: false,
    // Sent again by who asked, if at all: meanwhile something else may have happened.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A former master that became a replica: its name leads to another one now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

async function connected<Made extends RedisClient>(client: Made, { onProblem }: RedisClientOptions): Promise<Made> {
  let last = '';
  const note = (problem: string): void => {
    if (problem !== last) onProblem(problem);
    last = problem;
  };
  client.on('error', (error: unknown) => note(redisProblem(error)));
  client.on('ready', () => note(''));
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
