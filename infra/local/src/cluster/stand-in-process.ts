import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './app-process.js';

const LISTENING = /listening on (esdb:\/\/\S+?),?\s/;
const READY_MS_MAX = 60_000;

/** The stand-in for EventStoreDB as a process, durable over restarts of its own. FOR TESTS ONLY. */
export class EventStoreStandIn {
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: string,
    private readonly port: number,
  ) {}

  /** As `EVENTSTORE_URL` takes it. */
  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  async start(): Promise<void> {
    const main = join(repositoryRoot(), 'test/dist/support/eventstoredb/main.js');
    if (!existsSync(main)) throw new Error(`${main} is not there: npm run build`);
    const args = [main, '--file', this.file, '--port', String(this.port)];
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child = child;
    this.#exited = new Promise((done) => child.once('exit', () => done()));
    let words = '';
    await new Promise<void>((listening, failed) => {
      const impatient = setTimeout(() => failed(new Error(`no event store stand-in:\n${words}`)), READY_MS_MAX);
      const hear = (text: Buffer): void => {
        words += text.toString();
        if (!LISTENING.test(words)) return;
        clearTimeout(impatient);
        listening();
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      child.once('exit', (code) => {
        clearTimeout(impatient);
        failed(new Error(`the event store stand-in ended with ${code}:\n${words}`));
      });
    });
  }

  /** kill -9. Its file stays. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** It is there and does not answer, until `resume`. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#exited;
  }
}
