import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Backend } from './backends.js';

export const CLUSTER_APPS = ['gift-api', 'settlement', 'projector', 'publisher', 'room-gateway'] as const;
export type ClusterAppName = (typeof CLUSTER_APPS)[number];

const HOST = '127.0.0.1';
const ASK_EVERY_MS = 50;
/** Of what it said, kept for the message of a failure. */
const WORDS_KEPT = 20_000;
/** As `npm start` has them: requests under way would else be carried into the old generation. */
const NODE_FLAGS: Partial<Record<ClusterAppName, readonly string[]>> = { 'gift-api': ['--max-semi-space-size=64'] };

export interface AppProcessOptions {
  readonly app: ClusterAppName;
  /** As `gift-api-2`. */
  readonly name: string;
  /** Kept over restarts. */
  readonly port: number;
  /** What the apps are told, besides HOST, PORT and PROFILE. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Every line that it writes. */
  readonly onLine?: (line: string) => void;
  /** It ended, asked or not. */
  readonly onExit?: (how: number | NodeJS.Signals) => void;
}

/** One app of the cluster as a real process, on a port that it keeps over restarts. */
export class AppProcess implements Backend {
  readonly host = HOST;
  readonly url: string;
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);
  #words = '';

  constructor(private readonly options: AppProcessOptions) {
    this.url = `http://${HOST}:${options.port}`;
  }

  get app(): ClusterAppName {
    return this.options.app;
  }

  get name(): string {
    return this.options.name;
  }

  get port(): number {
    return this.options.port;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it has said lately. */
  get words(): string {
    return this.#words;
  }

  /** Starts it, or starts it again; it may take a while to be ready. */
  start(): void {
    if (this.isRunning) throw new Error(`${this.name} is running already`);
    const { app, env, port, onExit } = this.options;
    const root = repositoryRoot();
    const main = join(root, 'apps', app, 'dist/main.js');
    if (!existsSync(main)) throw new Error(`${main} is not there: npm run build`);
    // A group of its own: Ctrl-C in the terminal is answered by whoever started it, in the right order.
    const child = spawn(process.execPath, [...(NODE_FLAGS[app] ?? []), main], {
      cwd: root,
      detached: true,
      env: { ...process.env, ...env, PROFILE: 'cluster', HOST, PORT: String(port) },
      // Over the last of these it hears that whoever started it has gone, and drains.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#exited = new Promise((done) => {
      child.once('exit', (code, signal) => {
        done(code);
        onExit?.(signal ?? code ?? 0);
      });
    });
    for (const stream of [child.stdout!, child.stderr!]) this.#listen(stream);
  }

  #listen(stream: NodeJS.ReadableStream): void {
    let begun = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-WORDS_KEPT);
      const lines = (begun + text).split('\n');
      begun = lines.pop()!;
      for (const line of lines) this.options.onLine?.(line);
    });
  }

  /** Resolves when `/health/ready` is green. @throws Error with its last words when it ends before, or takes too long */
  async ready(msMax: number): Promise<void> {
    let last = 'nothing was answered';
    for (const end = performance.now() + msMax; performance.now() < end;) {
      if (!this.isRunning) {
        const how = this.#child?.exitCode ?? this.#child?.signalCode;
        throw new Error(`${this.name} ended with ${how} before it was ready:\n${this.#words}`);
      }
      const answer = await this.#askReady();
      if (answer === 'ready') return;
      last = answer;
      await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    }
    throw new Error(`${this.name} was not ready within ${msMax} ms (${last}):\n${this.#words}`);
  }

  async #askReady(): Promise<string> {
    try {
      const response = await fetch(`${this.url}/health/ready`);
      const text = await response.text();
      return response.ok ? 'ready' : text;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** kill -9: what a crash or an out-of-memory killer does. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, as an orderly shutdown sends it. @returns the exit code, null when a signal ended it */
  async stop(): Promise<number | null> {
    this.#signal('SIGTERM');
    return this.#exited;
  }

  /** SIGSTOP: it is there and does not answer, as a process that was held up for long. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }
}

/** Found from where the program was started, so that it holds for the sources under jest and for what was built. */
export function repositoryRoot(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'nest-cli.json'))) return folder;
    if (dirname(folder) === folder) throw new Error('run this inside the repository');
  }
}
