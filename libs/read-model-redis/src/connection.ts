import { Cluster, Redis, type CommonRedisOptions } from 'ioredis';
import { pause, type Scheduler, type Telemetry } from '@livegift/kernel';
import { ReadModelError } from '@livegift/read-model';
import type { RedisAddress, RedisNode } from './redis-url.js';
import { SCRIPTS, type ScriptName } from './scripts.js';

const CONNECT_MS_MAX = 5_000;
/** To be connected, all tries of the client included. */
const CONNECTED_MS_MAX = 10_000;
/** Whoever opens waits no longer: a server that takes the connection and says nothing must not hold up a process. */
const OPEN_MS_MAX = 2_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** An answer that a half-dead connection never brings: the connection is given up, and made anew. */
const SILENT_MS_MAX = 30_000;
/** A command that met a moved slot or a lost connection is tried again so often, so long after. */
const CLUSTER_TRIES_MAX = 5;
const CLUSTER_RETRY_MS = 100;

type Client = Redis | Cluster;
type Scripted = Record<ScriptName, (...words: readonly unknown[]) => Promise<unknown>>;

/**
 * The client of a single Redis or of a Redis Cluster, whichever the server says it is. While there is no connection every
 * call fails at once; it is made again in the background, for ever.
 */
export class RedisConnection {
  #client: Client | null = null;
  #closed = false;
  #lastProblem = 'not connected yet';

  private constructor(
    private readonly address: RedisAddress,
    private readonly scheduler: Scheduler,
    private readonly telemetry: Telemetry,
  ) {}

  /** Resolves when it is connected, after the first attempt that failed, or after `OPEN_MS_MAX`. */
  static async open(address: RedisAddress, scheduler: Scheduler, telemetry: Telemetry): Promise<RedisConnection> {
    const connection = new RedisConnection(address, scheduler, telemetry);
    await new Promise<void>((tried) => {
      const impatient = scheduler.after(OPEN_MS_MAX, tried);
      void connection.#connect(() => {
        impatient.cancel();
        tried();
      });
    });
    return connection;
  }

  /** Whether one call may read keys of several partitions. */
  get isCluster(): boolean {
    return this.#client instanceof Cluster;
  }

  /** @throws ReadModelError `unavailable`; of what changes something the outcome is then not known */
  async script(name: ScriptName, words: readonly unknown[], answerMsMax: number): Promise<unknown> {
    return this.call((client) => (client as unknown as Scripted)[name](...words), answerMsMax);
  }

  async call<Reply>(ask: (client: Client) => Promise<Reply>, answerMsMax: number): Promise<Reply> {
    if (this.#closed) throw new ReadModelError('unavailable', 'the read model is closed');
    const client = this.#client;
    if (client === null) throw new ReadModelError('unavailable', `Redis: ${this.#lastProblem}`);
    let timer: { cancel(): void } | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.scheduler.after(answerMsMax, () => reject(new Error(`no answer within ${answerMsMax} ms`)));
    });
    try {
      const reply = ask(client);
      return await Promise.race([reply, late]);
    } catch (error) {
      // Only the text: the error of the client holds the words of the command, which may be anybody's gift or a password.
      throw new ReadModelError('unavailable', this.#closed ? 'the read model is closed' : `Redis: ${textOf(error)}`);
    } finally {
      timer?.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    this.#client?.disconnect();
  }

  async #connect(tried: () => void): Promise<void> {
    for (let failures = 0; !this.#closed; failures++) {
      try {
        const client = await this.#reach();
        if (this.#closed) return client.disconnect();
        this.#client = client;
        return tried();
      } catch (error) {
        this.#lastProblem = textOf(error);
        this.telemetry.warn('read model: cannot reach Redis, tries again', { error: this.#lastProblem });
        tried();
        await pause(this.scheduler, Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MAX_MS));
      }
    }
  }

  /** The first node that answers says what there is. */
  async #reach(): Promise<Client> {
    let problem: unknown = new Error('no node is named');
    for (const node of this.address.nodes) {
      const probe = new Redis({
        ...this.#options(),
        ...node,
        db: this.address.db,
        lazyConnect: true,
        retryStrategy: null,
      });
      // When connecting fails it says only that the connection is closed; before, by this event, why.
      let cause: Error | null = null;
      probe.on('error', (error: Error) => (cause = error));
      try {
        await probe.connect();
        const isCluster = /^cluster_enabled:1/m.test(await probe.info('cluster'));
        return await (isCluster ? this.#cluster() : this.#single(node));
      } catch (error) {
        problem = cause ?? error;
      } finally {
        probe.disconnect();
      }
    }
    throw problem;
  }

  async #single(node: RedisNode): Promise<Client> {
    const client = new Redis({
      ...this.#options(),
      ...node,
      db: this.address.db,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: (times) => Math.min(RETRY_FIRST_MS * 2 ** Math.min(times, 10), RETRY_MAX_MS),
      // A former master that became a replica: the name leads to another one now.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      scripts: SCRIPTS,
    });
    this.#listen(client);
    return this.#connected(client);
  }

  async #cluster(): Promise<Client> {
    const client = new Cluster([...this.address.nodes], {
      redisOptions: this.#options(),
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: (times) => Math.min(RETRY_FIRST_MS * 2 ** Math.min(times, 10), RETRY_MAX_MS),
      maxRedirections: CLUSTER_TRIES_MAX,
      retryDelayOnFailover: CLUSTER_RETRY_MS,
      retryDelayOnClusterDown: CLUSTER_RETRY_MS,
      retryDelayOnTryAgain: CLUSTER_RETRY_MS,
      // Certificates are for names, and a server that has a name may announce it.
      dnsLookup: this.address.tls ? (host, found) => found(null, host) : undefined,
      scripts: SCRIPTS,
    });
    this.#listen(client);
    return this.#connected(client);
  }

  /**
   * The promise of a Cluster's `connect` is forgotten when its first look finds the cluster failing over, and the client is
   * ready some tries later: what it says then counts too, and when it says nothing it is made anew.
   */
  async #connected<Made extends Client>(client: Made): Promise<Made> {
    let timer: { cancel(): void } | undefined;
    const late = new Promise<never>((_, reject) => {
      const silent = (): void => reject(new Error(`not connected within ${CONNECTED_MS_MAX} ms`));
      timer = this.scheduler.after(CONNECTED_MS_MAX, silent);
    });
    const ready = new Promise<void>((resolve) => void client.once('ready', resolve));
    try {
      await Promise.race([client.connect(), ready, late]);
      return client;
    } catch (error) {
      client.disconnect();
      throw error;
    } finally {
      timer?.cancel();
    }
  }

  #options(): CommonRedisOptions & { tls?: object } {
    const { username, password, tls } = this.address;
    return {
      username,
      password,
      ...(tls ? { tls: {} } : {}),
      protocol: 2,
      connectTimeout: CONNECT_MS_MAX,
      socketTimeout: SILENT_MS_MAX,
      // Sent again by us, if at all: with the checkpoint that is there then.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    };
  }

  #listen(client: Client): void {
    client.on('error', (error: unknown) => {
      const problem = textOf(error);
      if (problem !== this.#lastProblem) this.telemetry.warn('read model: Redis', { error: problem });
      this.#lastProblem = problem;
    });
    client.on('ready', () => (this.#lastProblem = ''));
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node puts several refused addresses into one error without a text.
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message;
  const [cause] = 'lastNodeError' in error ? [error.lastNodeError] : [];
  return cause instanceof Error ? `${text} ${cause.message}` : text;
}
