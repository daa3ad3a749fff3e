import {
  FailureLog,
  instant,
  type Cancellable,
  type Clocks,
  type Position,
  type Scheduler,
  type Telemetry,
} from '@livegift/kernel';
import {
  isBehind,
  magnitudeOf,
  type ConsumerCondition,
  type ConsumerProgress,
  type ConsumerReport,
} from './consumer-report.js';

export interface ConsumerWatchParts {
  /** For logs, metrics and readiness: `settlement`, `projector`, … */
  readonly name: string;
  /** What it reads from, as readiness names it: `event-store`, `fan-out`. */
  readonly source: string;
  readonly report: () => ConsumerReport;
  /** Where the source ends; rejects while the source does not answer. */
  readonly head: () => Promise<Position | null>;
  /** Without progress for this long the consumer is stalled. */
  readonly stallMsMax: number;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** True where the process has other work that it can do meanwhile: then readiness only shows this consumer. */
  readonly isOptional?: boolean;
}

const LOOK_EVERY_MS = 1_000;
const READY: ReadonlySet<ConsumerCondition> = new Set(['running', 'waiting', 'standing-by']);

/**
 * Watches whether a consumer makes progress. Only two things prove progress: the position advances, or the source has
 * just answered that there is nothing more. So a target that refuses, a source that is silent and a loop that hangs never
 * look like a consumer without work. Readiness, logs and metrics of all consumers are derived from here.
 */
export class ConsumerWatch {
  readonly name: string;
  readonly isOptional: boolean;
  readonly #stalls: FailureLog;
  #timer: Cancellable | null = null;
  #isAsking = false;
  #isStarted = false;
  #head: Position | null = null;
  /** Why the source has not answered; null once it has. */
  #silence: string | null = 'has not answered yet';
  readonly #track = new Track();
  #progressMs: number;
  #atHeadMs: number | null = null;
  #condition: ConsumerCondition = 'starting';
  #conditionMs: number;
  /** Partitions that metrics speak of now. */
  #measured: ReadonlySet<number> = new Set();

  constructor(private readonly parts: ConsumerWatchParts) {
    this.name = parts.name;
    this.isOptional = parts.isOptional === true;
    this.#stalls = new FailureLog(parts.telemetry, 'error');
    this.#progressMs = parts.clock.elapsedMs();
    this.#conditionMs = this.#progressMs;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#progressMs = this.parts.clock.elapsedMs();
    this.#tick();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
  }

  isReady(): boolean {
    return READY.has(this.progress().condition);
  }

  reason(): string | null {
    const { condition, reason } = this.progress();
    return reason ?? condition;
  }

  /** Shown beside `ready` in the answer of `/health/ready`. */
  facts(): Readonly<Record<string, string | number | null>> {
    const { condition, since, position, head, lagSeconds, reason } = this.progress();
    return {
      condition,
      since,
      position,
      head,
      lagSeconds,
      ...(condition === 'waiting' ? { waitsBecause: reason } : {}),
    };
  }

  progress(): ConsumerProgress {
    const report = this.parts.report();
    this.#look(report, { headIsFresh: false });
    const { clock } = this.parts;
    const conditionAgeMs = clock.elapsedMs() - this.#conditionMs;
    return {
      condition: this.#condition,
      since: instant(clock.now() - conditionAgeMs),
      position: report.position,
      head: this.#head,
      lagSeconds: this.#lagSeconds(report),
      reason: this.#reason(report),
    };
  }

  /** A source that does not answer delays no look at the consumer. */
  #tick(): void {
    if (!this.#isAsking) void this.#ask();
    this.#look(this.parts.report(), { headIsFresh: false });
    if (this.#condition === 'stalled') this.#logStall();
    this.#measure(this.parts.report());
    this.#timer = this.parts.scheduler.after(LOOK_EVERY_MS, () => {
      if (this.#isStarted) this.#tick();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      this.#head = await this.parts.head();
      this.#silence = null;
      if (this.#isStarted) this.#look(this.parts.report(), { headIsFresh: true });
    } catch (error) {
      this.#silence = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isAsking = false;
    }
  }

  #look(report: ConsumerReport, { headIsFresh }: { readonly headIsFresh: boolean }): void {
    const nowMs = this.parts.clock.elapsedMs();
    const { activity, position } = report;
    const hasMoved = this.#track.advancesTo(position);
    const isAtHead = headIsFresh && activity === 'working' && !isBehind(position, this.#head);
    const isOthersWork = headIsFresh && activity === 'standing-by';
    if (isAtHead) this.#atHeadMs = nowMs;
    if (hasMoved || isAtHead || isOthersWork) this.#progressMs = nowMs;
    this.#become(this.#conditionOf(report, nowMs), nowMs);
  }

  #conditionOf({ activity, failing }: ConsumerReport, nowMs: number): ConsumerCondition {
    if (activity === 'refused' || activity === 'stopped') return activity;
    if (nowMs - this.#progressMs >= this.parts.stallMsMax) return 'stalled';
    if (activity === 'starting') return 'starting';
    if (failing !== null || this.#silence !== null) return 'waiting';
    return activity === 'standing-by' ? 'standing-by' : 'running';
  }

  #become(condition: ConsumerCondition, nowMs: number): void {
    const before = this.#condition;
    if (condition === before) return;
    const seconds = Math.round((nowMs - this.#conditionMs) / 1_000);
    this.#condition = condition;
    this.#conditionMs = nowMs;
    if (before !== 'stalled' || condition === 'stopped') return;
    this.#stalls.recovered(`${this.name}: makes progress again`, { afterSeconds: seconds, condition });
  }

  #logStall(): void {
    const { name, source } = this.parts;
    const { since, position, head, lagSeconds, reason } = this.progress();
    this.#stalls.failed(`${name}: makes no progress`, { reason, since, source, position, head, lagSeconds });
  }

  #measure(report: ConsumerReport): void {
    const { name, telemetry } = this.parts;
    const consumer = { consumer: name };
    telemetry.gauge('consumer_stalled', READY.has(this.#condition) || this.#condition === 'starting' ? 0 : 1, consumer);
    telemetry.gauge('consumer_lag_seconds', this.#lagSeconds(report), consumer);
    telemetry.gauge('consumer_position', magnitudeOf(report.position), consumer);
    telemetry.gauge('consumer_head', magnitudeOf(this.#head), consumer);
    const partitions = report.partitions ?? new Map<number, Position | null>();
    for (const partition of this.#measured) {
      if (!partitions.has(partition)) {
        telemetry.gauge('consumer_partition_position', null, { ...consumer, partition: String(partition) });
        telemetry.gauge('consumer_partition_lag_seconds', null, { ...consumer, partition: String(partition) });
      }
    }
    for (const [partition, position] of partitions) {
      const labels = { ...consumer, partition: String(partition) };
      telemetry.gauge('consumer_partition_position', magnitudeOf(position), labels);
      telemetry.gauge('consumer_partition_lag_seconds', this.#lagSeconds({ ...report, position }), labels);
    }
    this.#measured = new Set(partitions.keys());
  }

  #lagSeconds(report: ConsumerReport): number {
    const { clock } = this.parts;
    if (report.activity === 'standing-by') return 0;
    if (this.#silence === null && !isBehind(report.position, this.#head)) return 0;
    const sinceHeadMs = this.#atHeadMs === null ? Infinity : clock.elapsedMs() - this.#atHeadMs;
    const ageMs = report.recordedAtMs === null ? Infinity : Math.max(0, clock.now() - report.recordedAtMs);
    const lagMs = Math.min(sinceHeadMs, ageMs);
    return Math.round(lagMs === Infinity ? clock.elapsedMs() - this.#progressMs : lagMs) / 1_000;
  }

  #reason({ activity, failing, position }: ConsumerReport): string | null {
    const { source, clock } = this.parts;
    const why =
      failing ??
      (this.#silence === null ? null : `the ${source} does not answer: ${this.#silence}`) ??
      (isBehind(position, this.#head) ? `the ${source} has more than was done` : null);
    if (activity === 'refused') return why;
    if (this.#condition !== 'stalled') return failing === null && this.#silence === null ? null : why;
    const seconds = Math.round((clock.elapsedMs() - this.#progressMs) / 1_000);
    return `no progress for ${seconds} s${why === null ? '' : `: ${why}`}`;
  }
}

/**
 * Tells an advance from a repetition. A consumer may fall back once and do its work again, as after a rebuild; one that falls
 * back again before it has come further than ever repeats the same events, and that is no progress.
 */
class Track {
  #last: Position | null = null;
  #mark: Position | null = null;
  #furthest: Position | null = null;
  #hasComeFurther = true;

  advancesTo(position: Position | null): boolean {
    if (isBehind(position, this.#last)) {
      if (this.#hasComeFurther) this.#mark = position;
      this.#hasComeFurther = false;
    }
    this.#last = position;
    if (isBehind(this.#furthest, position)) {
      this.#furthest = position;
      this.#hasComeFurther = true;
    }
    if (!isBehind(this.#mark, position)) return false;
    this.#mark = position;
    return true;
  }
}
