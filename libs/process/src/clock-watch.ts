import type { Cancellable, Clocks, Scheduler, Telemetry } from '@livegift/kernel';
import type { ReadinessPart } from './readiness.js';

const LOOK_EVERY_MS = 5_000;
/** An answer that took longer says too little about the time. */
const ANSWER_MS_MAX = 1_000;
const OWN_EVENTS = 'what it has recorded';
/** From here on a difference is logged and counted. */
export const CLOCK_SKEW_WARN_MS = 2_000;

/** What a process compares its wall clock with. */
export interface TimeReference {
  /** As an operator knows it: `redis`, `the newest event`. */
  readonly name: string;
  /**
   * `clock`: it says what time it is now; the process's clock may be neither ahead nor behind.
   * `past`: it says what time it was at some moment before; the process's clock can only be found to be behind.
   */
  readonly kind: 'clock' | 'past';
  /** Milliseconds since 1970; null when there is nothing to compare with. */
  nowMs(): Promise<number | null>;
}

export interface ClockWatchParts {
  readonly references: readonly TimeReference[];
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly clockSkewMsMax: number;
}

/** A reference's time less the monotonic clock: so what it says now is known without asking again. */
interface KnownReference {
  readonly reference: TimeReference;
  readonly offsetMs: number;
}

export interface ClockSkew {
  readonly reference: string;
  /** Positive: this process's wall clock is ahead. */
  readonly aheadMs: number;
}

/**
 * Compares the wall clock of this process with that of others, every few seconds. Between two looks it goes by the
 * monotonic clock, so a wall clock that somebody sets is noticed at the next question, not at the next look. A reference
 * that does not answer keeps what it said last.
 */
export class ClockWatch implements ReadinessPart {
  readonly name = 'clock';
  readonly #known = new Map<TimeReference, KnownReference>();
  readonly #wallOffsetMs: number;
  /** The latest time at which this process recorded something. */
  #recordedAtMs = Number.NEGATIVE_INFINITY;
  #level: 'fine' | 'off' | 'refused' = 'fine';
  #wasSetByMs = 0;
  #timer: Cancellable | null = null;
  #stopped = false;

  constructor(private readonly parts: ClockWatchParts) {
    this.#wallOffsetMs = this.#offsetMs();
  }

  /** Resolves after the first look: from then on `refusal` knows. */
  async start(): Promise<void> {
    await this.#look();
    this.#lookLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The largest difference; null when there was nothing to compare with. */
  skew(): ClockSkew | null {
    const wallMs = this.#offsetMs();
    const behindMs = this.#recordedAtMs - this.parts.clock.now();
    let largest: ClockSkew | null = behindMs > 0 ? { reference: OWN_EVENTS, aheadMs: -behindMs } : null;
    for (const { reference, offsetMs } of this.#known.values()) {
      const aheadMs = reference.kind === 'past' ? Math.min(0, wallMs - offsetMs) : wallMs - offsetMs;
      if (largest === null || Math.abs(aheadMs) > Math.abs(largest.aheadMs)) {
        largest = { reference: reference.name, aheadMs };
      }
    }
    return largest;
  }

  /** Why nothing may be recorded now; null when the clock is right as far as is known. */
  refusal(): string | null {
    const skew = this.skew();
    return skew === null || Math.abs(skew.aheadMs) <= this.parts.clockSkewMsMax ? null : sentenceOf(skew);
  }

  /** As `refusal`, for something that is recorded now if nothing speaks against it: later times must not be before. */
  admit(): string | null {
    const refusal = this.refusal();
    if (refusal === null) this.#recordedAtMs = Math.max(this.#recordedAtMs, this.parts.clock.now());
    return refusal;
  }

  isReady(): boolean {
    return this.refusal() === null;
  }

  reason(): string | null {
    return this.refusal();
  }

  #offsetMs(): number {
    const { clock } = this.parts;
    return clock.now() - clock.elapsedMs();
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer = this.parts.scheduler.after(LOOK_EVERY_MS, () => void this.#look().then(() => this.#lookLater()));
  }

  async #look(): Promise<void> {
    await Promise.all(this.parts.references.map((reference) => this.#ask(reference)));
    if (!this.#stopped) this.#report();
  }

  async #ask(reference: TimeReference): Promise<void> {
    const { clock } = this.parts;
    const askedMs = clock.elapsedMs();
    const nowMs = await this.#inTime(reference);
    const answeredMs = clock.elapsedMs();
    if (nowMs === null || answeredMs - askedMs > ANSWER_MS_MAX) return;
    const offsetMs = nowMs - (reference.kind === 'past' ? answeredMs : (askedMs + answeredMs) / 2);
    this.#known.set(reference, { reference, offsetMs });
  }

  #inTime(reference: TimeReference): Promise<number | null> {
    return new Promise((resolve) => {
      const timer = this.parts.scheduler.after(ANSWER_MS_MAX, () => resolve(null));
      reference.nowMs().then(
        (nowMs) => {
          timer.cancel();
          resolve(nowMs);
        },
        () => {
          timer.cancel();
          resolve(null);
        },
      );
    });
  }

  #report(): void {
    const { telemetry } = this.parts;
    this.#reportStep();
    const skew = this.skew();
    const aheadMs = skew?.aheadMs ?? 0;
    telemetry.gauge('clock_skew_seconds', aheadMs / 1_000);
    const isOff = Math.abs(aheadMs) >= CLOCK_SKEW_WARN_MS;
    if (isOff) telemetry.count('clock_skews_seen_total');
    const level = this.refusal() !== null ? 'refused' : isOff ? 'off' : 'fine';
    if (level === this.#level) return;
    this.#level = level;
    if (level === 'fine' || skew === null) return telemetry.info('the clock of this process is right again');
    const what = level === 'refused' ? 'commands are refused until the clocks agree' : 'check the time service';
    telemetry.warn(`${sentenceOf(skew)}: ${what}`, { aheadMs: Math.round(aheadMs) });
  }

  /** Against the monotonic clock: no reason to refuse, since a machine that was suspended looks the same. */
  #reportStep(): void {
    const { telemetry } = this.parts;
    const setByMs = Math.round(this.#offsetMs() - this.#wallOffsetMs);
    if (Math.abs(setByMs - this.#wasSetByMs) < CLOCK_SKEW_WARN_MS) return;
    telemetry.count('clock_steps_total');
    telemetry.warn('the wall clock was set, or the machine was suspended', { byMs: setByMs - this.#wasSetByMs });
    this.#wasSetByMs = setByMs;
  }
}

function sentenceOf({ reference, aheadMs }: ClockSkew): string {
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  return `the clock of this process is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ${reference}`;
}
