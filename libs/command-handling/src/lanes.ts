import type { Telemetry } from '@livegift/kernel';
import { CommandError } from './outcome.js';

export interface LanesOptions<Job> {
  /** Waiting jobs of one stream; more are refused as `overloaded`. */
  readonly queueLengthMax: number;
  /** Waiting jobs of all streams together. */
  readonly queuedTotalMax: number;
  /** Jobs that are run together. */
  readonly batchMax: number;
  /** Does the jobs' work, one call per stream at a time. Never rejects. */
  readonly run: (stream: string, jobs: readonly Job[]) => Promise<void>;
  readonly telemetry: Telemetry;
}

/** Somebody who wants a stream for himself. */
class Turn {
  constructor(readonly go: () => void) {}
}

interface Lane<Job> {
  readonly stream: string;
  /** Jobs and turns in the order in which they came; what stands before `head` is done. */
  waiting: (Job | Turn)[];
  head: number;
}

const DONE_KEPT_MAX = 1_024;

/**
 * One lane per stream in this process: who works on a stream works alone, in the order of coming. Jobs that wait for one
 * stream are run together. Correctness rests on expected revisions; lanes save the conflicts.
 */
export class Lanes<Job extends object> {
  readonly #lanes = new Map<string, Lane<Job>>();
  readonly #options: LanesOptions<Job>;
  #starting: Lane<Job>[] = [];
  #queued = 0;
  #idle: (() => void)[] = [];

  constructor(options: LanesOptions<Job>) {
    this.#options = options;
  }

  /** Jobs and turns that wait, over all streams. */
  get queued(): number {
    return this.#queued;
  }

  /** Jobs pushed in one turn of the event loop start together. @throws CommandError `overloaded` */
  push(stream: string, job: Job): void {
    this.#enqueue(stream, job);
  }

  /**
   * Runs `work` alone on all `streams`. They are taken in sorted order, so that two who want the same never wait for each other.
   * @throws CommandError `overloaded`, and what `work` throws
   */
  async exclusive<T>(streams: readonly string[], work: () => Promise<T>): Promise<T> {
    const wanted = [...new Set(streams)].sort();
    const held: string[] = [];
    try {
      for (const stream of wanted) {
        await this.#turn(stream);
        held.push(stream);
      }
      return await work();
    } finally {
      for (const stream of held) this.#release(stream);
    }
  }

  /** Resolves when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.#lanes.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** A free stream is taken on the spot. */
  #turn(stream: string): Promise<void> | undefined {
    if (!this.#lanes.has(stream)) {
      this.#lanes.set(stream, { stream, waiting: [], head: 0 });
      return undefined;
    }
    return new Promise((resolve) => this.#enqueue(stream, new Turn(resolve)));
  }

  #enqueue(stream: string, job: Job | Turn): void {
    const { queueLengthMax, queuedTotalMax, telemetry } = this.#options;
    let lane = this.#lanes.get(stream);
    if (this.#queued >= queuedTotalMax || (lane !== undefined && lane.waiting.length - lane.head >= queueLengthMax)) {
      telemetry.count('commands_overloaded_total');
      throw new CommandError('overloaded', `too many commands wait${lane === undefined ? '' : ` for ${stream}`}`);
    }
    this.#queued++;
    if (lane === undefined) {
      lane = { stream, waiting: [job], head: 0 };
      this.#lanes.set(stream, lane);
      this.#start(lane);
    } else {
      lane.waiting.push(job);
    }
  }

  /** All lanes that come to life in one turn of the event loop are started by one microtask. */
  #start(lane: Lane<Job>): void {
    this.#starting.push(lane);
    if (this.#starting.length > 1) return;
    queueMicrotask(() => {
      const starting = this.#starting;
      this.#starting = [];
      for (const started of starting) this.#next(started);
    });
  }

  #release(stream: string): void {
    this.#next(this.#lanes.get(stream)!);
  }

  /** Gives the lane to whoever is next in it, or closes it. */
  #next(lane: Lane<Job>): void {
    const { waiting } = lane;
    if (lane.head === waiting.length) {
      this.#lanes.delete(lane.stream);
      if (this.#lanes.size === 0) this.#tellIdle();
      return;
    }
    const first = waiting[lane.head]!;
    if (first instanceof Turn) {
      lane.head++;
      this.#queued--;
      first.go();
      return;
    }
    this.#runBatch(lane, this.#takeJobs(lane));
  }

  #runBatch(lane: Lane<Job>, jobs: readonly Job[]): void {
    const goOn = (): void => this.#next(lane);
    this.#options.run(lane.stream, jobs).then(goOn, goOn);
  }

  #takeJobs(lane: Lane<Job>): readonly Job[] {
    const { waiting, head } = lane;
    const endMax = Math.min(waiting.length, head + this.#options.batchMax);
    let end = head;
    while (end < endMax && !(waiting[end] instanceof Turn)) end++;
    const jobs = (head === 0 && end === waiting.length ? waiting : waiting.slice(head, end)) as Job[];
    this.#queued -= jobs.length;
    if (end === waiting.length) {
      lane.waiting = [];
      lane.head = 0;
    } else if (end > DONE_KEPT_MAX) {
      lane.waiting = waiting.slice(end);
      lane.head = 0;
    } else {
      lane.head = end;
    }
    return jobs;
  }

  #tellIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const tell of idle) tell();
  }
}
