import type { Cancellable, Position, Scheduler } from '@livegift/kernel';

interface Waiter {
  readonly position: Position;
  readonly timer: Cancellable;
  readonly settle: (reached: boolean) => void;
  readonly fail: (error: Error) => void;
}

/** Questions that wait for a position. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  constructor(private readonly scheduler: Scheduler) {}

  wait(position: Position, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        position,
        settle: resolve,
        fail: reject,
        timer: this.scheduler.after(timeoutMs, () => {
          this.#waiting.delete(waiter);
          resolve(false);
        }),
      };
      this.#waiting.add(waiter);
    });
  }

  reached(position: Position): void {
    for (const waiter of this.#waiting) {
      if (waiter.position > position) continue;
      this.#end(waiter);
      waiter.settle(true);
    }
  }

  failAll(error: Error): void {
    for (const waiter of this.#waiting) {
      this.#end(waiter);
      waiter.fail(error);
    }
  }

  #end(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    waiter.timer.cancel();
  }
}
