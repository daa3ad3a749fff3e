import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Writable } from 'node:stream';

const ASK_EVERY_MS = 20;
/** Of the server's last words, for the message of a start that failed. */
const WORDS_SHOWN_MAX = 4_000;

/**
 * Outlives this process by an instant: when its standard input ends, for whatever reason this process died (kill -9
 * too), it kills the server whose id it was told last, and removes the directory that it was told at its start.
 */
const GUARD = `
pid=-
while read -r line; do pid=$line; done
[ "$pid" = - ] || kill -9 "$pid" 2>/dev/null
[ -z "$1" ] && exit
for attempt in 1 2 3; do rm -rf "$1" 2>/dev/null && exit; sleep 0.2; done
`;

export interface ServerProcessOptions {
  /** As messages call it, and as its temporary directory begins. */
  readonly name: string;
  /** Kept by `stop` when it is given; otherwise a fresh one under the system's temporary directory, removed by `stop`. */
  readonly directory?: string;
  readonly readyMsMax: number;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** One program on 127.0.0.1 with a directory of its own. It ends, and its temporary directory goes, when we end. */
export class ServerProcess {
  readonly directory: string;
  readonly logFile: string;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #guard: ChildProcess | null = null;

  constructor(private readonly options: ServerProcessOptions) {
    this.directory =
      options.directory === undefined
        ? mkdtempSync(join(tmpdir(), `livegift-${options.name.toLowerCase()}-`))
        : resolve(options.directory);
    mkdirSync(this.directory, { recursive: true });
    this.logFile = join(this.directory, 'server.log');
    this.#guard = spawn(
      '/bin/sh',
      ['-c', GUARD, 'livegift-guard', options.directory === undefined ? this.directory : ''],
      {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    // A guard that was itself killed must not take us along; a pipe's handle must not keep us alive.
    this.#guard.stdin!.on('error', () => undefined);
    this.#guard.on('error', () => undefined);
    this.#guard.unref();
    (this.#guard.stdin as Writable & { unref?(): void }).unref?.();
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Starts the program and waits until `isReady`, which is told the process id and what was logged since, says so.
   * @throws Error with the server's last words when it ends before that, or takes too long
   */
  async start(command: Command, isReady: (pid: number, words: string) => Promise<boolean>): Promise<void> {
    const { name, readyMsMax } = this.options;
    if (this.#guard === null) throw new Error(`${name} was stopped for good, and its directory is gone`);
    if (this.running) throw new Error(`${name} is running already`);
    const loggedBefore = statSync(this.logFile, { throwIfNoEntry: false })?.size ?? 0;
    const failed = this.#spawn(command);
    for (const end = performance.now() + readyMsMax; performance.now() < end; await after(ASK_EVERY_MS)) {
      const words = this.#wordsSince(loggedBefore);
      if (failed.error !== null) throw new Error(`${name} could not be started: ${failed.error.message}`);
      if (!this.running) throw new Error(`${name} ended while it started:\n${words.slice(-WORDS_SHOWN_MAX)}`);
      if (await isReady(this.#child!.pid!, words)) return;
    }
    await this.kill();
    const words = this.#wordsSince(loggedBefore).slice(-WORDS_SHOWN_MAX);
    throw new Error(`${name} was not ready within ${readyMsMax} ms:\n${words}`);
  }

  #spawn({ program, args }: Command): { error: Error | null } {
    const log = openSync(this.logFile, 'a');
    // A group of its own: Ctrl-C in the terminal is ours to answer, in an order that the servers like.
    const child = spawn(program, args, { cwd: this.directory, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const failed: { error: Error | null } = { error: null };
    this.#child = child;
    this.#exited = new Promise<void>((done) => {
      child.once('exit', () => done());
      child.once('error', (error) => {
        failed.error = error;
        done();
      });
    }).then(() => this.#tellGuard('-'));
    if (child.pid !== undefined) this.#tellGuard(String(child.pid));
    child.unref();
    return failed;
  }

  #tellGuard(line: string): void {
    this.#guard?.stdin?.write(`${line}\n`);
  }

  #wordsSince(offset: number): string {
    return readFileSync(this.logFile).subarray(offset).toString();
  }

  /** SIGSTOP: it is there and does not answer, as behind a cut network. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT after `pause`. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** kill -9, and waits until it is gone. Files stay as they are. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 0);
  }

  /** SIGTERM, and waits until it is gone; kill -9 when that takes longer than `endMsMax`. Files stay. */
  async shutDown(endMsMax: number): Promise<void> {
    await this.#end('SIGTERM', endMsMax);
  }

  async #end(signal: NodeJS.Signals, endMsMax: number): Promise<void> {
    if (!this.running) return this.#exited;
    const child = this.#child!;
    child.ref();
    child.kill(signal);
    // Whoever is paused hears nothing but this.
    child.kill('SIGCONT');
    const impatient = endMsMax > 0 ? setTimeout(() => child.kill('SIGKILL'), endMsMax) : undefined;
    await this.#exited;
    clearTimeout(impatient);
  }

  /** Forgets the guard, and removes the directory unless it was given. */
  async dispose(): Promise<void> {
    const guard = this.#guard;
    if (guard === null) return;
    this.#guard = null;
    guard.kill('SIGKILL');
    if (this.options.directory === undefined) {
      await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

export function after(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
