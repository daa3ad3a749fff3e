import { FailureLog, instant, pause, type Clocks, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { ReadinessPart } from './readiness.js';

const OPEN_AGAIN_FIRST_MS = 100;
const OPEN_AGAIN_MAX_MS = 5_000;

export interface Dependency<Opened> {
  /** As readiness names it: `event-store`, `read-model`, … */
  readonly name: string;
  /** Where it is: hosts and ports, never a login. */
  readonly at?: string;
  open(): Promise<Opened>;
  /** True for what waiting does not mend, such as a wrong password: then the process says so and ends. */
  isHopeless?(error: unknown): boolean;
}

/** Something that a process cannot begin without, and waits for as long as it takes; readiness says why. */
export class AwaitedDependency<Opened> implements ReadinessPart {
  readonly name: string;
  #reason: string | null = 'is being opened';

  readonly #sinceMs: number;

  constructor(
    private readonly dependency: Dependency<Opened>,
    private readonly outside: {
      readonly clock: Clocks;
      readonly scheduler: Scheduler;
      readonly telemetry: Telemetry;
    },
  ) {
    this.name = dependency.name;
    this.#sinceMs = outside.clock.now();
  }

  facts(): { readonly server?: string; readonly since?: string } {
    const { at } = this.dependency;
    return {
      ...(at === undefined ? {} : { server: at }),
      ...(this.isReady() ? {} : { since: instant(this.#sinceMs) }),
    };
  }

  isReady(): boolean {
    return this.#reason === null;
  }

  reason(): string | null {
    return this.#reason;
  }

  /** @throws whatever `isHopeless` says there is no waiting for */
  async opened(): Promise<Opened> {
    const { scheduler, telemetry } = this.outside;
    const log = new FailureLog(telemetry);
    for (let delayMs = OPEN_AGAIN_FIRST_MS; ; delayMs = Math.min(2 * delayMs, OPEN_AGAIN_MAX_MS)) {
      try {
        const opened = await this.dependency.open();
        this.#reason = null;
        log.recovered(`${this.name} is there`, this.facts());
        return opened;
      } catch (error) {
        if (this.dependency.isHopeless?.(error) === true) throw error;
        this.#reason = error instanceof Error ? error.message : String(error);
        log.failed(`${this.name} is away: waiting for it`, { ...this.facts(), reason: this.#reason, delayMs });
        await pause(scheduler, delayMs);
      }
    }
  }
}
