/**
 * Shares the event loop between long pieces of work: each waits for its turn, and only one runs in a turn of the loop, so that
 * everything else waits for one piece at most, however many there are.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** @param yieldToLoop resolves after what waits on the event loop already */
  constructor(private readonly yieldToLoop: () => Promise<void>) {}

  /** Resolves when the caller may do one piece of work, at once and without waiting in between. */
  take(): Promise<void> {
    this.#last = this.#last.then(this.yieldToLoop);
    return this.#last;
  }
}
