import type { Cancellable, Position, Scheduler } from '@livegift/kernel';
import { ReadModelError } from '@livegift/read-model';

interface Waiter {
  readonly position: Position;
  readonly timer: Cancellable;
  readonly settle: (reached: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Questions that wait for positions. A partition that somebody waits for is looked at every `pollMs`, once for all who wait;
 * with none waiting nothing is asked.
 */
export class Waits {
  readonly #waiting = new Map<number, Set<Waiter>>();
  #count = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly limits: { readonly waitPollMs: number; readonly waitersMax: number },
    /** @throws ReadModelError `rebuilding`, `unavailable`: then everyone who waits for this partition hears of it */
    private readonly look: (partition: number) => Promise<Position | null>,
  ) {}

  /** True as soon as the partition has got so far, which is looked at at once; false when the time was up. */
  async wait(partition: number, position: Position, timeoutMs: number): Promise<boolean> {
    if (this.#count >= this.limits.waitersMax) {
      throw new ReadModelError('unavailable', `${this.#count} questions wait for the read model already`);
    }
    this.#count++;
    try {
      const reached = await this.look(partition);
      if (reached !== null && reached >= position) return true;
      return await this.#enqueue(partition, position, timeoutMs);
    } finally {
      this.#count--;
    }
  }

  failAll(error: unknown): void {
    for (const partition of this.#waiting.keys()) this.#fail(partition, error);
  }

  #enqueue(partition: number, position: Position, timeoutMs: number): Promise<boolean> {
    return new Promise((settle, fail) => {
      let waiters = this.#waiting.get(partition);
      const isFirst = waiters === undefined;
      if (waiters === undefined) this.#waiting.set(partition, (waiters = new Set()));
      const waiter: Waiter = { position, settle, fail, timer: this.scheduler.after(timeoutMs, () => timeIsUp()) };
      const timeIsUp = (): void => {
        waiters.delete(waiter);
        settle(false);
      };
      waiters.add(waiter);
      if (isFirst) this.#lookLater(partition);
    });
  }

  #lookLater(partition: number): void {
    this.scheduler.after(this.limits.waitPollMs, () => void this.#lookAgain(partition));
  }

  async #lookAgain(partition: number): Promise<void> {
    if (this.#isDone(partition)) return;
    try {
      const reached = await this.look(partition);
      for (const waiter of this.#waiting.get(partition) ?? []) {
        if (reached === null || waiter.position > reached) continue;
        this.#end(partition, waiter);
        waiter.settle(true);
      }
    } catch (error) {
      this.#fail(partition, error);
    }
    if (!this.#isDone(partition)) this.#lookLater(partition);
  }

  /** Nobody waits any more. */
  #isDone(partition: number): boolean {
    return (this.#waiting.get(partition)?.size ?? 0) === 0 && this.#waiting.delete(partition);
  }

  #fail(partition: number, error: unknown): void {
    for (const waiter of this.#waiting.get(partition) ?? []) {
      this.#end(partition, waiter);
      waiter.fail(error);
    }
  }

  #end(partition: number, waiter: Waiter): void {
    this.#waiting.get(partition)?.delete(waiter);
    waiter.timer.cancel();
  }
}
