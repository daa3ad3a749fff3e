/** What the core is given from outside, so that it can run on a virtual clock with a seed. */

export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export interface Ids {
  /** A fresh random UUID. */
  uuid(): string;
}

export interface Cancellable {
  cancel(): void;
}

export interface Scheduler {
  /** Runs `task` once, at least `delayMs` from now. 0: after what is queued already. */
  after(delayMs: number, task: () => void): Cancellable;
}

/** Resolves after `delayMs` of the scheduler's time. */
export function pause(scheduler: Scheduler, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    scheduler.after(delayMs, resolve);
  });
}

/** Pauses of one loop, one at a time, that somebody else can cut short. */
export class CuttablePause {
  #cut = (): void => {};

  constructor(private readonly scheduler: Scheduler) {}

  /** Resolves after `delayMs`, or as soon as it is cut. */
  for(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.scheduler.after(delayMs, resolve);
      this.#cut = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Ends the one under way, if there is one. */
  cut(): void {
    this.#cut();
  }
}

/** What a part tells operators. Names are Prometheus names without the `livegift_` prefix. */
export interface Telemetry {
  count(name: string, by?: number): void;
  gauge(name: string, value: number): void;
  /** Seconds, into a histogram. */
  observe(name: string, seconds: number): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentTelemetry: Telemetry = {
  count: () => {},
  gauge: () => {},
  observe: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
