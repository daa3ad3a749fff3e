import type { SubscribeOptions, Subscription, SubscriptionBatch } from '@livegift/event-store';
import type { Position, RecordedEvent } from '@livegift/kernel';
import type { LogFeed } from './log-feed.js';
import type { LogReads } from './log-reads.js';
import { laterOf } from './position.js';

const BATCH_EVENTS_DEFAULT = 1_000;
/** While nothing comes, the end of the log is looked at so often: nobody tells of events that did not pass the filter. */
const QUIET_MS = 250;
/** Where everything passes, silence mostly means that there is nothing; but a node cut off from its cluster is silent too. */
const QUIET_UNFILTERED_MS = 5_000;

/**
 * Makes batches of what the feed brings. Whether one reaches the end of the log it asks the log itself: not all servers say
 * so. Once it has, and until the feed breaks off, what the server has brought so far is taken for the log: asking with each
 * event would cost more than the event.
 *
 * `through` is never moved past the newest event of the log, though the server's checkpoints (next record, 0) may be: so it
 * stays a position that a later subscription finds within the log.
 */
export class LogSubscription implements Subscription {
  readonly #batchEventsMax: number;
  readonly #types: readonly string[] | undefined;
  #through: Position | null;
  #saidCaughtUp = false;
  /** How often the feed had broken off when the end of the log was reached last. */
  #liveSince: number | null = null;
  #closed = false;
  /**
   * The server has said that it has brought all: then what is left to the end is looked for in the log, without a pause. Not
   * taken for brought: a follower says so at its own end, and what it did not have yet it brings later.
   */
  #toldCaughtUp = false;

  constructor(
    private readonly feed: LogFeed,
    private readonly reads: LogReads,
    options: SubscribeOptions,
    private readonly closed: () => void,
  ) {
    this.#through = options.after?.position ?? null;
    this.#types = options.types;
    this.#batchEventsMax = Math.max(1, options.batchEventsMax ?? BATCH_EVENTS_DEFAULT);
  }

  async next(): Promise<SubscriptionBatch | null> {
    for (let quiet = false; ;) {
      if (this.#closed) return null;
      const batch = this.feed.isEmpty ? await this.#ofTheLog(quiet || this.#toldCaughtUp) : await this.#ofTheFeed();
      if (this.#closed) return null;
      if (batch !== null) return batch;
      if (this.feed.isEmpty && this.feed.failure !== null) {
        this.closed();
        throw this.feed.failure;
      }
      const patienceMs = this.#saidCaughtUp && this.#types === undefined ? QUIET_UNFILTERED_MS : QUIET_MS;
      quiet = !(await this.feed.something(patienceMs));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.feed.close();
    this.closed();
  }

  async #ofTheFeed(): Promise<SubscriptionBatch | null> {
    const part = this.feed.take(this.#batchEventsMax, this.#through);
    this.#toldCaughtUp = part.caughtUp;
    const last = part.events.at(-1)?.position ?? this.#through;
    let reached = laterOf(last, part.reached);
    if (this.#liveSince === this.feed.breaks && reached === last && !part.caughtUp) {
      return this.#moved(part.events, last, this.feed.isEmpty);
    }
    const { knownHead } = this.reads;
    const beyond = reached !== null && (knownHead === null || reached >= knownHead);
    const head = beyond ? ((await this.#head()) ?? null) : knownHead;
    // Without knowing the end, an event's position is as far as can be said.
    if (head === null || (reached !== null && reached > head)) reached = laterOf(last, head);
    const batch = this.#moved(part.events, reached, this.#isEnd(reached, head));
    return batch === null && this.#toldCaughtUp && this.feed.isEmpty ? await this.#ofTheLog(true) : batch;
  }

  /** The feed has brought nothing: either all is delivered, or what is left does not pass its filter. */
  async #ofTheLog(quiet: boolean): Promise<SubscriptionBatch | null> {
    if (this.#saidCaughtUp && !quiet) return null;
    const head = await this.#head();
    if (!this.feed.isEmpty || this.#closed) return null;
    if (head === undefined) return null;
    if (head === null || this.#isEnd(this.#through, head)) return this.#moved([], this.#through, true);
    if (!quiet) return null;
    return await this.#gap(head);
  }

  async #gap(head: Position): Promise<SubscriptionBatch | null> {
    const limit = this.#batchEventsMax;
    let page: readonly RecordedEvent[];
    try {
      page = await this.reads.all({ after: this.#through, limit });
    } catch {
      return null;
    }
    const events = this.#types === undefined ? page : page.filter(({ type }) => this.#types!.includes(type));
    const reached = page.length < limit ? laterOf(head, page.at(-1)?.position ?? null) : page.at(-1)!.position;
    return this.#moved(events, reached, this.#isEnd(reached, head));
  }

  #isEnd(reached: Position | null, head: Position | null): boolean {
    if (head === null || reached === null || reached < head) return false;
    this.#liveSince = this.feed.breaks;
    this.#toldCaughtUp = false;
    return true;
  }

  #moved(events: readonly RecordedEvent[], through: Position | null, caughtUp: boolean): SubscriptionBatch | null {
    const news = events.length > 0 || through !== this.#through || (caughtUp && !this.#saidCaughtUp);
    this.#through = through;
    this.#saidCaughtUp = caughtUp || (this.#saidCaughtUp && !news);
    return news ? { events, through, caughtUp } : null;
  }

  /** Undefined while the store cannot say; the feed decides how long to bear that. */
  async #head(): Promise<Position | null | undefined> {
    try {
      return await this.reads.head();
    } catch {
      return undefined;
    }
  }
}
