import { CommandError } from '@livegift/command-handling';
import type { MonotonicClock, Telemetry } from '@livegift/kernel';

/** How many rooms, creators and viewers the read model holds, and how many it may hold. */
export interface Capacity {
  held(): number;
  readonly max: number;
}

/** Where the read model is kept by servers of its own, their memory is the limit. */
export const unlimited: Capacity = { held: () => 0, max: Number.POSITIVE_INFINITY };

const SAID_EVERY_MS = 60_000;

/** The read model holds as much as it may; its message is for clients. */
export class FullError extends CommandError {
  constructor(max: number) {
    super(
      'overloaded',
      `The engine holds ${max} rooms, creators and viewers, which is its maximum (READ_MODEL_SUBJECTS_MAX); ` +
        'it takes no new one. Commands to existing ones go on',
    );
  }
}

/**
 * Admits commands that make a new room, creator or viewer. The read model keeps each in memory for ever, so a command that
 * would make one more is refused at the maximum. What is in the log already is never refused: it can always be built anew.
 */
export class NewSubjects {
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly capacity: Capacity,
    private readonly clock: MonotonicClock,
    private readonly telemetry: Telemetry,
  ) {}

  get areFull(): boolean {
    return this.capacity.held() >= this.capacity.max;
  }

  /** For a command that would make one; counts and logs a refusal. @throws FullError */
  assertAdmitted(): void {
    if (!this.areFull) return;
    const { max } = this.capacity;
    this.telemetry.count('new_subjects_refused_total');
    const nowMs = this.clock.elapsedMs();
    if (nowMs - this.#saidAtMs >= SAID_EVERY_MS) {
      this.#saidAtMs = nowMs;
      this.telemetry.warn('no new rooms, creators and viewers are taken: READ_MODEL_SUBJECTS_MAX is reached', { max });
    }
    throw new FullError(max);
  }
}
