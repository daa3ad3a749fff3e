import type { MonotonicClock, Position, Telemetry } from '@livegift/kernel';

const REPORT_EVERY_MS = 1_000;

/** Tells operators, at most every second, how far the way to where the log was at start has been gone. */
export class RebuildProgress {
  readonly #startedMs: number;
  #reportedMs: number;
  #events = 0;
  #isDone = false;

  constructor(
    private readonly target: Position | null,
    /** False where everything was built already, and is only read on: then there is nothing to tell. */
    private readonly isRebuild: boolean,
    private readonly outside: { readonly clock: MonotonicClock; readonly telemetry: Telemetry },
  ) {
    this.#startedMs = outside.clock.elapsedMs();
    this.#reportedMs = this.#startedMs;
  }

  report(position: Position | null, events: number): void {
    if (this.#isDone || !this.isRebuild) return;
    this.#events += events;
    const now = this.outside.clock.elapsedMs();
    if (now - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = now;
    this.outside.telemetry.info('projector: building the read model', {
      percent: percentOf(position, this.target),
      events: this.#events,
      seconds: (now - this.#startedMs) / 1_000,
    });
  }

  done(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (!this.isRebuild) return;
    this.outside.telemetry.info('projector: the read model is up to date', {
      events: this.#events,
      seconds: (this.outside.clock.elapsedMs() - this.#startedMs) / 1_000,
    });
  }
}

/** An estimate for people: positions may have gaps, so the share of digits is only about the share of events. */
function percentOf(position: Position | null, target: Position | null): number {
  if (target === null || position === null) return 0;
  return Math.min(100, Math.floor((Number(position) / Number(target)) * 100));
}
