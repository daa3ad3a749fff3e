import { pause, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { ReadinessPart } from './readiness.js';

const OPEN_AGAIN_FIRST_MS = 100;
const OPEN_AGAIN_MAX_MS = 5_000;

export interface Dependency<Opened> {
  /** As readiness names it: `event-store`, `read-model`, … */
  readonly name: string;
  open(): Promise<Opened>;
  /** True for what waiting does not mend, such as a wrong password: then the process says so and ends. */
  isHopeless?(error: unknown): boolean;
}

/** Something that a process cannot begin without, and waits for as long as it takes; readiness says why. */
export class AwaitedDependency<Opened> implements ReadinessPart {
  readonly name: string;
  #reason: string | null = 'is being opened';

  constructor(
    private readonly dependency: Dependency<Opened>,
    private readonly outside: { readonly scheduler: Scheduler; readonly telemetry: Telemetry },
  ) {
    this.name = dependency.name;
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
    for (let delayMs = OPEN_AGAIN_FIRST_MS; ; delayMs = Math.min(2 * delayMs, OPEN_AGAIN_MAX_MS)) {
      try {
        const opened = await this.dependency.open();
        this.#reason = null;
        return opened;
      } catch (error) {
        if (this.dependency.isHopeless?.(error) === true) throw error;
        this.#reason = error instanceof Error ? error.message : String(error);
        telemetry.warn(`${this.name} is away: waiting for it`, { reason: this.#reason, delayMs });
        await pause(scheduler, delayMs);
      }
    }
  }
}
