import { pause, type Scheduler, type Telemetry } from '@livegift/kernel';
import { ReadModelError } from '@livegift/read-model';
import { connectRedis, redisProblem, type RedisAddress, type RedisClient } from '@livegift/redis-connection';
import { SCRIPTS, type ScriptName } from './scripts.js';

const CONNECT_MS_MAX = 5_000;
/** Whoever opens waits no longer: a server that takes the connection and says nothing must not hold up a process. */
const OPEN_MS_MAX = 2_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
const SILENT_MS_MAX = 30_000;

type Scripted = Record<ScriptName, (...words: readonly unknown[]) => Promise<unknown>>;

/**
 * The client of a single Redis or of a Redis Cluster, whichever the server says it is. While there is no connection every
 * call fails at once; it is made again in the background, for ever.
 */
export class RedisConnection {
  #client: RedisClient | null = null;
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
    return this.#client?.isCluster ?? false;
  }

  /** @throws ReadModelError `unavailable`; of what changes something the outcome is then not known */
  async script(name: ScriptName, words: readonly unknown[], answerMsMax: number): Promise<unknown> {
    return this.call((client) => (client as unknown as Scripted)[name](...words), answerMsMax);
  }

  async call<Reply>(ask: (client: RedisClient) => Promise<Reply>, answerMsMax: number): Promise<Reply> {
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
      throw new ReadModelError(
        'unavailable',
        this.#closed ? 'the read model is closed' : `Redis: ${redisProblem(error)}`,
      );
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
        const client = await connectRedis(this.address, {
          connectMsMax: CONNECT_MS_MAX,
          silentMsMax: SILENT_MS_MAX,
          scripts: SCRIPTS,
          onProblem: (problem) => this.#noted(problem),
        });
        if (this.#closed) return client.disconnect();
        this.#client = client;
        return tried();
      } catch (error) {
        this.#lastProblem = redisProblem(error);
        this.telemetry.warn('read model: cannot reach Redis, tries again', { error: this.#lastProblem });
        tried();
        await pause(this.scheduler, Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MAX_MS));
      }
    }
  }

  #noted(problem: string): void {
    if (problem !== '') this.telemetry.warn('read model: Redis', { error: problem });
    this.#lastProblem = problem;
  }
}
