import type { Cancellable, Clocks, Ids, Scheduler } from '@livegift/kernel';
import { RandomUuids } from './random-uuids.js';

/** The real world, as the core is given it. */
export const systemClock: Clocks = { now: () => Date.now(), elapsedMs: () => performance.now() };

const uuids = new RandomUuids();

export const systemIds: Ids = { uuid: () => uuids.next() };

export const systemScheduler: Scheduler = {
  after(delayMs: number, task: () => void): Cancellable {
    if (delayMs <= 0) {
      const immediate = setImmediate(task);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timeout = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** Lets what waits on the event loop go first. */
export const yieldToLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
