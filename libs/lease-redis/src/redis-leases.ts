import type { Telemetry } from '@livegift/kernel';
import { LEASE_DOCUMENT_LENGTH_MAX, LeaseError, type LeaseReading, type Leases } from '@livegift/lease';
import {
  connectRedis,
  parseRedisUrl,
  redisProblem,
  type RedisAddress,
  type RedisClient,
} from '@livegift/redis-connection';

export interface RedisLeasesOptions {
  /** `redis://[user:pass@]host:port[,host:port…][/db]` or `rediss://…`, of a single Redis or of any node of a cluster. */
  readonly url: string;
  readonly telemetry: Telemetry;
  /** Default `livegift:lease:`; the group follows. */
  readonly keyPrefix?: string;
}

const KEY_PREFIX = 'livegift:lease:';
const ANSWER_MS_MAX = 3_000;
const CONNECT_MS_MAX = 2_000;
const SILENT_MS_MAX = 10_000;

/** The document, and the server's own time, which all who share it go by. */
const READ = `
local time = redis.call('TIME')
return { redis.call('GET', KEYS[1]), time[1], time[2] }`;

/** ARGV: whether there must be a document, that document, the new one, milliseconds to keep it. */
const REPLACE = `
local stored = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if stored ~= ARGV[2] then return 0 end
elseif stored then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1`;

/**
 * Leases in Redis 6 or later, single or Cluster: one string a group, under `<keyPrefix><group>`. It connects when first
 * used, and again whenever the connection was lost.
 * @throws RangeError when the URL is none
 */
export function openRedisLeases({ url, telemetry, keyPrefix = KEY_PREFIX }: RedisLeasesOptions): Leases {
  return new RedisLeases(parseRedisUrl(url), telemetry, keyPrefix);
}

class RedisLeases implements Leases {
  #client: Promise<RedisClient> | null = null;
  #closed = false;

  constructor(
    private readonly address: RedisAddress,
    private readonly telemetry: Telemetry,
    private readonly keyPrefix: string,
  ) {}

  async read(group: string): Promise<LeaseReading> {
    const reply = await this.#call((client) => client.eval(READ, 1, this.keyPrefix + group));
    const [document, seconds, microseconds] = reply as [string | null, string, string];
    return { document, nowMs: Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000) };
  }

  async replace(group: string, expected: string | null, document: string, keepMs: number): Promise<boolean> {
    if (document.length > LEASE_DOCUMENT_LENGTH_MAX) {
      throw new RangeError(`a lease document has at most ${LEASE_DOCUMENT_LENGTH_MAX} characters`);
    }
    const words = [expected === null ? '0' : '1', expected ?? '', document, String(keepMs)];
    return (await this.#call((client) => client.eval(REPLACE, 1, this.keyPrefix + group, ...words))) === 1;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = null;
    // One that is still being connected is let go of when it stands.
    client?.then(
      (made) => made.disconnect(),
      () => {},
    );
  }

  /** Ends within `ANSWER_MS_MAX`, connecting included. */
  async #call(ask: (client: RedisClient) => Promise<unknown>): Promise<unknown> {
    if (this.#closed) throw new LeaseError('unavailable', 'the leases are closed');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
    });
    try {
      return await Promise.race([this.#connected().then(ask), late]);
    } catch (error) {
      throw new LeaseError('unavailable', `Redis: ${redisProblem(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #connected(): Promise<RedisClient> {
    if (this.#client !== null) return this.#client;
    const client = connectRedis(this.address, {
      connectMsMax: CONNECT_MS_MAX,
      silentMsMax: SILENT_MS_MAX,
      onProblem: (problem) => {
        if (problem !== '') this.telemetry.warn('leases: Redis', { problem });
      },
    });
    this.#client = client;
    client.catch(() => {
      if (this.#client === client) this.#client = null;
    });
    return client;
  }
}
