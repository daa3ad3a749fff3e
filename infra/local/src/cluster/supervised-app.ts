import { AppProcess, type AppProcessOptions } from './app-process.js';

const RESTART_FIRST_MS = 250;
const RESTART_MAX_MS = 10_000;
/** One that ran for so long has not failed at its start: the next wait is the first again. */
const RAN_WELL_MS = 30_000;

/** An app's process that is started again, after a while, whenever it ends without being asked. */
export class SupervisedApp {
  readonly process: AppProcess;
  #wanted = false;
  #delayMs = RESTART_FIRST_MS;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    options: Omit<AppProcessOptions, 'onExit'>,
    private readonly say: (line: string) => void,
  ) {
    this.process = new AppProcess({ ...options, onExit: (how) => this.#ended(how) });
  }

  start(): void {
    this.#wanted = true;
    this.#startedMs = performance.now();
    this.process.start();
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    await this.process.stop();
  }

  #ended(how: number | NodeJS.Signals): void {
    if (!this.#wanted) return;
    if (performance.now() - this.#startedMs >= RAN_WELL_MS) this.#delayMs = RESTART_FIRST_MS;
    this.say(`${this.process.name} ended (${how}); starting it again in ${this.#delayMs} ms`);
    this.#timer = setTimeout(() => this.start(), this.#delayMs);
    this.#delayMs = Math.min(2 * this.#delayMs, RESTART_MAX_MS);
  }
}
