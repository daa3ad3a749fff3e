import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const READY_MS_MAX_DEFAULT = 60_000;
const ASK_EVERY_MS = 50;
/** Of the engine's own words, kept for the message of a test that fails. */
const WORDS_KEPT = 20_000;
export interface EngineOptions {
  /** Default: a fresh one, removed by `dispose`. */
  readonly dataDir?: string;
  /** How long it may take to get ready; default a minute. */
  readonly readyMsMax?: number;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The real engine as a process of its own, on a directory and a port that it keeps over restarts. */
export class Engine {
  readonly dataDir: string;
  readonly url: string;
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);
  #words = '';

  constructor(
    readonly port: number,
    private readonly options: EngineOptions,
  ) {
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'livegift-test-'));
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts the process and waits until it says that it is ready. */
  async up(): Promise<void> {
    const child = this.#spawn();
    const readyMsMax = this.options.readyMsMax ?? READY_MS_MAX_DEFAULT;
    for (const end = Date.now() + readyMsMax; Date.now() < end;) {
      if (child.exitCode !== null || child.signalCode !== null) {
        const how = child.exitCode ?? child.signalCode;
        throw new Error(`the engine ended with ${how} while it started:\n${this.#words}`);
      }
      if (await isReady(this.url)) return;
      await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    }
    await this.kill();
    throw new Error(`the engine was not ready within ${readyMsMax} ms:\n${this.#words}`);
  }

  /** Starts the process and kills it so soon that it may not have got ready. */
  async upAndKill(afterMs: number): Promise<void> {
    this.#spawn();
    await new Promise((done) => setTimeout(done, afterMs));
    await this.kill();
  }

  #spawn(): ChildProcess {
    const main = join(repositoryRoot(), 'apps/standalone/dist/main.js');
    if (!existsSync(main)) throw new Error('this runs the built engine: npm run build (npm test does it)');
    const child = spawn(process.execPath, [...nodeFlagsOfStart(), main], {
      env: {
        ...process.env,
        NODE_ENV: 'test',
        LOG_LEVEL: 'warn',
        ...this.options.env,
        HOST: '127.0.0.1',
        PORT: String(this.port),
        DATA_DIR: this.dataDir,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#exited = new Promise((done) => child.once('exit', (code) => done(code)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.#words = (this.#words + chunk.toString()).slice(-WORDS_KEPT)));
    }
    return child;
  }

  /** kill -9: what a crash or an out-of-memory killer does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, as an orderly shutdown sends it. @returns the exit code, null when a signal ended it */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    return this.#exited;
  }

  /** Resolves when it has ended by itself. @returns the exit code, null when a signal ended it */
  ended(): Promise<number | null> {
    return this.#exited;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.up();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it has said lately, for the message of a failure. */
  get words(): string {
    return this.#words;
  }

  /** Ends it, and removes its directory if it was made here. */
  async dispose(): Promise<void> {
    await this.kill();
    if (this.options.dataDir === undefined) rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Starts the engine on a free port and waits until it is ready. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const engine = new Engine(await freePort(), options);
  try {
    await engine.up();
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

/** Found from where the program was started, so that it holds for the sources under jest and for what was built. */
export function repositoryRoot(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'nest-cli.json'))) return folder;
    if (dirname(folder) === folder) throw new Error('run this inside the repository');
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

/** What Node is told in `npm start`: a larger nursery, since gifts under way would else be carried into the old generation. */
function nodeFlagsOfStart(): readonly string[] {
  const text = readFileSync(join(repositoryRoot(), 'package.json'), 'utf8');
  const { scripts } = JSON.parse(text) as { readonly scripts: { readonly start: string } };
  return scripts.start.match(/--[a-z-]+=\d+/g) ?? [];
}
