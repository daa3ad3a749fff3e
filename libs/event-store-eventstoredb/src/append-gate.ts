import { EventStoreError } from '@livegift/event-store';

/** Lets so many appends go at once, so many more wait in order, and refuses the rest. */
export class AppendGate {
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;
  #drained: (() => void)[] = [];

  constructor(
    private readonly inFlightMax: number,
    private readonly waitingMax: number,
    private readonly refused: () => void,
  ) {}

  /** @throws EventStoreError `overloaded` */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.inFlightMax) {
      if (this.#waiting.length >= this.waitingMax) {
        this.refused();
        throw new EventStoreError('overloaded', `${this.#waiting.length} appends are waiting already`);
      }
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
    if (waiting !== undefined) return waiting();
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
