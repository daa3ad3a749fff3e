/** Lets so many calls go at once, so many more wait in order, and refuses the rest. */
export class CallGate {
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;
  #drained: (() => void)[] = [];

  constructor(
    private readonly inFlightMax: number,
    private readonly waitingMax: number,
    /** The error for a call that finds no place. */
    private readonly refusal: (waiting: number) => Error,
  ) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.inFlightMax) {
      if (this.#waiting.length >= this.waitingMax) throw this.refusal(this.#waiting.length);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#inFlight++;
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  /** Resolves when nothing is under way or waiting. */
  async drained(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** A place that becomes free goes to the one that has waited longest. */
  #next(): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting();
      return;
    }
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
