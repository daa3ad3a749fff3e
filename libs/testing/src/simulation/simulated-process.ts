import type { Clocks, Ids, Scheduler, Telemetry } from '@livegift/kernel';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualWorld } from './virtual-world.js';

/** A crashed process's answer to everything: it never comes. */
const never = new Promise<never>(() => {});

/**
 * One operating-system process: its clock (perhaps skewed), its timers, its ids, and whether it lives. After `crash` no
 * timer of it fires, nothing that it waits for comes, and it can begin nothing.
 */
export class SimulatedProcess {
  readonly random: SeededRandom;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  readonly #onCrash = new Set<() => void>();
  #alive = true;
  #wallAheadMs: number;
  /** `after(0)` keeps the order of asking. */
  #lastAtOnceMs = 0;

  constructor(
    readonly world: VirtualWorld,
    readonly name: string,
    clockSkewMs = 0,
  ) {
    this.random = world.random.fork();
    this.#wallAheadMs = clockSkewMs;
    this.clock = { now: () => Math.floor(world.nowMs) + this.#wallAheadMs, elapsedMs: () => world.nowMs };
    this.ids = { uuid: () => this.random.uuid() };
    this.scheduler = { after: (delayMs, task) => this.#after(delayMs, task) };
    const say = (level: string) => (message: string) => world.trace.add(`  ${name} ${level}: ${message}`);
    this.telemetry = {
      count: () => {},
      gauge: () => {},
      observe: () => {},
      info: () => {},
      warn: say('warns'),
      error: say('errs'),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  crash(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const end of this.#onCrash) end();
    this.#onCrash.clear();
  }

  /** Sets this process's wall clock forwards, or backwards with a negative `byMs`. Timers and durations do not notice. */
  stepWallClock(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  onCrash(end: () => void): void {
    this.#onCrash.add(end);
  }

  /** Something that this process alone does, `delayMs` from now if it is still alive then. */
  later(delayMs: number, label: string, task: () => void): void {
    this.world.schedule(delayMs, `${this.name} ${label}`, () => {
      if (this.#alive) task();
    });
  }

  /** A promise that this process awaits: `begin` settles it, but only while the process lives. */
  awaits<Value>(begin: (resolve: (value: Value) => void, reject: (error: unknown) => void) => void): Promise<Value> {
    if (!this.#alive) return never;
    return new Promise<Value>((resolve, reject) => {
      begin(
        (value) => {
          if (this.#alive) resolve(value);
        },
        (error) => {
          if (this.#alive) reject(error);
        },
      );
    });
  }

  #after(delayMs: number, task: () => void): { cancel(): void } {
    const { world } = this;
    let atMs = world.nowMs + delayMs + this.random.between(0, delayMs > 0 ? 0.5 : 0.05);
    if (delayMs <= 0) this.#lastAtOnceMs = atMs = Math.max(this.#lastAtOnceMs, atMs);
    return world.scheduleAt(atMs, `${this.name} timer`, () => {
      if (this.#alive) task();
    });
  }
}
