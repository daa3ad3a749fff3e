/** What the core is given from outside, so that it can run on a virtual clock with a seed. */

/**
 * Says what time it is. It can be set while the process runs, forwards or backwards by any amount, so the difference of
 * two readings is no duration: `MonotonicClock` measures those.
 */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** Measures durations: it never goes backwards and does not follow the wall clock when that is set. */
export interface MonotonicClock {
  /** Milliseconds, with fractions, since a moment that is fixed for as long as the process runs. */
  elapsedMs(): number;
}

/** For parts that need both: the time of day for what they record, and durations. */
export interface Clocks extends Clock, MonotonicClock {}

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

/** Of one series of a metric. */
export type MetricLabels = Readonly<Record<string, string>>;

/** What a part tells operators. Every metric is declared in `METRICS`. */
export interface Telemetry {
  count(name: string, by?: number, labels?: MetricLabels): void;
  /** Null: there is nothing to say of these labels any more. */
  gauge(name: string, value: number | null, labels?: MetricLabels): void;
  observe(name: string, seconds: number, labels?: MetricLabels): void;
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
