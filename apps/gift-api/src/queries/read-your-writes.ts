import { fieldError } from '@livegift/contracts';
import type { EventStore } from '@livegift/event-store';
import { isPosition, pause, type MonotonicClock, type Position, type Scheduler } from '@livegift/kernel';
import type { ReadModel, ReadModelSubject } from '@livegift/read-model';
import { invalidRequest, ProblemError } from '../http/problem.js';

/** How long a query waits for what it reads to get where `after` asks. */
export const READ_WAIT_MS_MAX = 5_000;
const LOG_POLL_MS = 25;
/** Queries that wait at once; more are told to come back. */
const WAITING_QUERIES_MAX = 10_000;

/** Holds a query back until what it reads has reached the position that the caller has seen. */
export class ReadYourWrites {
  #waiting = 0;
  #positionDigits: number | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly readModel: ReadModel,
    private readonly clock: MonotonicClock,
    private readonly scheduler: Scheduler,
  ) {}

  /** @throws ProblemError `invalid-request`, `read-model-behind`, `overloaded` */
  async readModelReaches(subject: ReadModelSubject, after: string | undefined): Promise<void> {
    if (after === undefined) return;
    const position = await this.#wellFormed(after);
    const reached = await this.#bounded(() => this.readModel.waitFor(subject, position, READ_WAIT_MS_MAX));
    if (!reached) throw behind();
  }

  /** @throws ProblemError as `readModelReaches` */
  async logReaches(after: string | undefined): Promise<void> {
    if (after === undefined) return;
    const position = await this.#wellFormed(after);
    const untilMs = this.clock.elapsedMs() + READ_WAIT_MS_MAX;
    const reached = await this.#bounded(async () => {
      for (;;) {
        if (((await this.store.head()) ?? '') >= position) return true;
        if (this.clock.elapsedMs() >= untilMs) return false;
        await pause(this.scheduler, LOG_POLL_MS);
      }
    });
    if (!reached) throw behind();
  }

  /** Positions of one store have one width; another width would compare wrongly. */
  async #wellFormed(after: string): Promise<Position> {
    this.#positionDigits ??= (await this.store.head())?.length ?? null;
    if (!isPosition(after) || (this.#positionDigits !== null && after.length !== this.#positionDigits)) {
      throw invalidRequest([fieldError('query.after', 'isPosition')]);
    }
    return after;
  }

  async #bounded(wait: () => Promise<boolean>): Promise<boolean> {
    if (this.#waiting >= WAITING_QUERIES_MAX) throw new ProblemError('overloaded', 'too many queries are waiting');
    this.#waiting++;
    try {
      return await wait();
    } finally {
      this.#waiting--;
    }
  }
}

const behind = (): ProblemError =>
  new ProblemError('read-model-behind', `what this reads has not reached that position within ${READ_WAIT_MS_MAX} ms`);
