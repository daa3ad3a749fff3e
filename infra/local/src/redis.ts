import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-ports.js';
import { findOrInstallRedis } from './install.js';
import type { RedisPrograms } from './programs.js';
import { RedisCli } from './redis-cli.js';
import { ServerProcess } from './server-process.js';

const READY_MS_MAX = 60_000;
const END_MS_MAX = 10_000;
/** A port was free when we looked; another process may have taken it since. */
const STARTS_MAX = 3;
/** What Redis keeps its data in; a cluster node's `nodes.conf` is no data, and stays over `restore` and `wipe`. */
const DATA_FILES = ['dump.rdb', 'appendonlydir'] as const;

export interface LocalRedisOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Kept by `stop` when it is given. Default: a temporary one. */
  readonly directory?: string;
  /**
   * `none`: after `kill` it comes back empty. `everysec` (the default): written at once and synced once a second.
   * `always`: synced before each answer. A killed process loses nothing with either; a machine without power may.
   */
  readonly persistence?: 'none' | 'everysec' | 'always';
  readonly password?: string;
  /** Further arguments of `redis-server`, such as `['--maxmemory', '64mb']`. */
  readonly args?: readonly string[];
}

/** A real Redis on 127.0.0.1 for tests and for `npm run servers`. It ends when this process ends, however that ends. */
export class LocalRedis {
  readonly #process: ServerProcess;
  readonly #cli: RedisCli;
  readonly #data: string;

  constructor(
    private readonly programs: RedisPrograms,
    readonly port: number,
    private readonly options: LocalRedisOptions,
  ) {
    this.#process = new ServerProcess({ name: 'Redis', directory: options.directory, readyMsMax: READY_MS_MAX });
    this.#cli = new RedisCli(programs.cli, port, options.password);
    this.#data = join(this.#process.directory, 'data');
    mkdirSync(this.#data, { recursive: true });
  }

  /** As `REDIS_URL` takes it. */
  get url(): string {
    const { password } = this.options;
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.port}`;
  }

  get directory(): string {
    return this.#process.directory;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Again, on the same port and with the files that are there; resolves once it answers and has loaded them. */
  async start(): Promise<void> {
    await this.#process.start({ program: this.programs.server, args: this.#arguments() }, async (pid) => {
      const server = await this.#cli.info('server');
      const persistence = await this.#cli.info('persistence');
      return server?.get('process_id') === String(pid) && persistence?.get('loading') === '0';
    });
    // What `restore` put there is in memory now, and must not come back after the next kill.
    if (this.options.persistence === 'none') rmSync(join(this.#data, 'dump.rdb'), { force: true });
  }

  #arguments(): readonly string[] {
    const { persistence = 'everysec', password, directory, args = [] } = this.options;
    const settings = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.#data,
      save: '',
      ...(persistence === 'none'
        ? { appendonly: 'no', 'rdb-del-sync-files': 'yes' }
        : { appendonly: 'yes', appendfsync: persistence }),
      // A rewrite changes files while `snapshot` copies them; the log of a test stays short.
      ...(directory === undefined ? { 'auto-aof-rewrite-percentage': '0' } : {}),
    };
    const file = password === undefined ? [] : [this.#passwordFile(password)];
    return [...file, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]), ...args];
  }

  /** Arguments of a process can be read by every user of the machine. */
  #passwordFile(password: string): string {
    const file = join(this.directory, 'password.conf');
    const quoted = JSON.stringify(password);
    writeFileSync(file, `requirepass ${quoted}\nmasterauth ${quoted}\n`, { mode: 0o600 });
    return file;
  }

  /** `redis-cli` with these words. @throws Error when the server is away or answers with an error */
  ask(...command: readonly string[]): Promise<string> {
    return this.#cli.ask(...command);
  }

  info(section: string): Promise<ReadonlyMap<string, string> | null> {
    return this.#cli.info(section);
  }

  /** kill -9. Files stay, so that `start` can go on with them. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** SIGTERM: an orderly end. Files stay, so that `start` can go on with them. */
  shutDown(): Promise<void> {
    return this.#process.shutDown(END_MS_MAX);
  }

  /** It is there and does not answer, until `resume`. */
  pause(): void {
    this.#process.pause();
  }

  resume(): void {
    this.#process.resume();
  }

  /** Ends it for good, and removes its directory unless it was given; then it ends orderly, since its files go on. */
  async stop(): Promise<void> {
    await (this.options.directory === undefined ? this.kill() : this.shutDown());
    await this.#process.dispose();
  }

  /** Copies what it holds now, while it runs. @returns what `restore` takes; it goes with `stop` */
  async snapshot(): Promise<string> {
    const copy = mkdtempSync(join(this.directory, 'snapshot-'));
    const inMemory = this.options.persistence === 'none';
    if (inMemory) await this.#cli.ask('SAVE');
    copyData(this.#data, copy);
    if (inMemory) rmSync(join(this.#data, 'dump.rdb'), { force: true });
    return copy;
  }

  /** While it is down: the next `start` comes back with the data of that snapshot, as after a failover. */
  restore(snapshot: string): void {
    this.wipe();
    copyData(snapshot, this.#data);
  }

  /** While it is down: the next `start` comes back empty. */
  wipe(): void {
    if (this.running) throw new Error('Redis is running: kill it first');
    for (const file of DATA_FILES) rmSync(join(this.#data, file), { recursive: true, force: true });
  }
}

function copyData(from: string, to: string): void {
  for (const file of DATA_FILES) {
    if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file), { recursive: true });
  }
}

/** Starts a Redis, installing it first where that may be. @throws Error that says what is missing and how to get it */
export async function startRedis(options: LocalRedisOptions = {}): Promise<LocalRedis> {
  const found = await findOrInstallRedis();
  if ('missing' in found) throw new Error(found.missing);
  for (let attempt = 1; ; attempt++) {
    const redis = new LocalRedis(found.programs, options.port ?? (await freePort()), options);
    try {
      await redis.start();
      return redis;
    } catch (error) {
      await redis.stop();
      if (attempt === STARTS_MAX || options.port !== undefined || !/already in use/i.test(String(error))) throw error;
    }
  }
}
