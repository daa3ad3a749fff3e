import { eventTypeFilter, START, type AllStreamResolvedEvent, type AllStreamSubscription } from '@eventstore/db-client';
import type { EventStoreError } from '@livegift/event-store';
import type { Position, RecordedEvent, Telemetry } from '@livegift/kernel';
import type { Connection } from './connection.js';
import { OWN_TYPE_PREFIX, toRecorded } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { laterOf, passedBy, positionOf, serverPosition } from './position.js';
import { isUnavailableForGood, unavailable } from './server-errors.js';

/** A filtered subscription says how far it has looked after each so many events. */
const SEARCH_WINDOW_EVENTS = 500;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;

export interface FeedLimits {
  /** Events read ahead of the consumer; then the server has to wait. */
  readonly readAheadMax: number;
  /** So long without a connection, and the feed gives up. */
  readonly giveUpMs: number;
}

export interface FeedPart {
  readonly events: readonly RecordedEvent[];
  /** How far these entries reach; null when they say nothing of it. */
  readonly reached: Position | null;
  /** The server has said that it has brought all that it has. */
  readonly caughtUp: boolean;
}

/** What passes through the client's stream: events, and in their places what the client only tells by callback. */
type Item = AllStreamResolvedEvent | { readonly checkpoint: Position } | { readonly caughtUp: true };

interface Entry {
  readonly position: Position | null;
  readonly event: RecordedEvent | null;
}

/** A subscription of the server, read ahead by a bounded number of events, connected again where it broke off. */
export class LogFeed {
  readonly #entries: Entry[] = [];
  #stream: AllStreamSubscription | null = null;
  #timer: NodeJS.Timeout | null = null;
  #breaks = 0;
  #failures = 0;
  #failingSince: number | null = null;
  #failure: EventStoreError | null = null;
  #wake: (() => void) | null = null;
  #closed = false;

  /** @param after excluded; null: from the beginning */
  constructor(
    private readonly connection: Connection,
    private after: Position | null,
    private readonly types: readonly string[] | undefined,
    private readonly limits: FeedLimits,
    private readonly telemetry: Telemetry,
    private readonly reads: LogReads,
  ) {
    void this.#open();
  }

  /** How often it was cut off from the server. */
  get breaks(): number {
    return this.#breaks;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Why it gave up. */
  get failure(): EventStoreError | null {
    return this.#failure;
  }

  /** The next entries, at most so many events, without what lies at or before `through`. */
  take(eventsMax: number, through: Position | null): FeedPart {
    const events: RecordedEvent[] = [];
    let reached: Position | null = null;
    let caughtUp = false;
    let taken = 0;
    for (const { position, event } of this.#entries) {
      if (events.length === eventsMax) break;
      taken++;
      if (position === null) caughtUp = true;
      else if (through === null || position > through) {
        reached = position;
        if (event !== null) events.push(event);
      }
    }
    this.#entries.splice(0, taken);
    if (this.#stream?.isPaused() === true && this.#entries.length <= this.limits.readAheadMax / 2)
      this.#stream.resume();
    return { events, reached, caughtUp };
  }

  /** Resolves when there is something to take, when it is over, or after `patienceMs`: then with false. */
  async something(patienceMs: number): Promise<boolean> {
    if (!this.isEmpty || this.#failure !== null || this.#closed) return true;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => answer(false), patienceMs);
      const answer = (came: boolean): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(came);
      };
      this.#wake = () => answer(true);
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#drop();
    this.#entries.length = 0;
    this.#wake?.();
  }

  async #open(): Promise<void> {
    try {
      const from = await this.#beginning();
      if (!this.#closed) this.#listen(this.#subscribe(from));
    } catch (error) {
      this.#broken(error);
    }
  }

  /**
   * From the record before the place where the feed goes on: up to 23.10 a server begins behind the first record that it
   * finds at or after a position, so where none is (a checkpoint, or it has been scavenged) it would leave out the next. What
   * comes once more because of that is dropped.
   */
  async #beginning(): Promise<Position | null> {
    return this.after === null ? null : await this.reads.standingBefore(this.after);
  }

  #listen(stream: AllStreamSubscription): void {
    this.#stream = stream;
    const current = (act: (value: never) => void) => (value: unknown) => {
      if (this.#stream === stream) act(value as never);
    };
    // The client tells a checkpoint and the end of catching up while events before them still wait in its stream: put into
    // the stream themselves they keep their place.
    stream.on(
      'caughtUp' as never,
      current(() => stream.push({ caughtUp: true } satisfies Item)),
    );
    stream.on(
      'confirmation',
      current(() => this.#connected()),
    );
    stream.on(
      'data',
      current((item: Item) => this.#arrived(stream, item)),
    );
    stream.on(
      'error',
      current((error: unknown) => this.#broken(error)),
    );
    stream.on(
      'end',
      current(() => this.#broken(new Error('the server ended the subscription'))),
    );
    stream.on(
      'close',
      current(() => this.#broken(new Error('the subscription was closed'))),
    );
  }

  #subscribe(from: Position | null): AllStreamSubscription {
    const { credentials, requiresLeader } = this.connection.options;
    const options = {
      maxSearchWindow: SEARCH_WINDOW_EVENTS,
      checkpointInterval: 1,
      checkpointReached: async (subscription: AllStreamSubscription, position: { commit: bigint; prepare: bigint }) => {
        const passed = passedBy(position);
        if (passed !== null) subscription.push({ checkpoint: passed } satisfies Item);
      },
    };
    return this.connection.client.subscribeToAll({
      fromPosition: from === null ? START : serverPosition(from),
      credentials,
      requiresLeader,
      filter: eventTypeFilter({ ...options, regex: regexOf(this.types) }),
    });
  }

  #arrived(stream: AllStreamSubscription, item: Item): void {
    this.#connected();
    const entry = this.#entryOf(item);
    const { position } = entry;
    if (position !== null && this.after !== null && position <= this.after) return;
    this.#entries.push(entry);
    this.after = laterOf(this.after, position);
    if (this.#entries.length >= this.limits.readAheadMax) stream.pause();
    this.#wake?.();
  }

  #entryOf(item: Item): Entry {
    if ('caughtUp' in item) return { position: null, event: null };
    if ('checkpoint' in item) return { position: item.checkpoint, event: null };
    const event = toRecorded(item);
    if (event !== null) this.reads.noteDurable(event.position);
    const wanted = event !== null && (this.types === undefined || this.types.includes(event.type));
    return { position: positionOf(item.event!.position), event: wanted ? event : null };
  }

  #connected(): void {
    this.#failures = 0;
    this.#failingSince = null;
  }

  #broken(error: unknown): void {
    this.#drop();
    this.#breaks++;
    if (this.#closed) return;
    const now = performance.now();
    this.#failingSince ??= now;
    const cause = unavailable(error, this.connection.redact);
    if (
      now - this.#failingSince >= this.limits.giveUpMs ||
      isUnavailableForGood(cause) ||
      cause.code === 'checkpoint-foreign'
    ) {
      this.#failure = cause;
      this.#wake?.();
      return;
    }
    this.telemetry.count('event_store_resubscriptions_total');
    this.telemetry.warn('the subscription to the event store broke off and is taken up again', {
      reason: cause.message,
    });
    const delayMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures++, BACKOFF_MAX_MS);
    this.#timer = setTimeout(() => void this.#open(), delayMs);
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null) return;
    stream.on('error', () => {});
    stream.unsubscribe().catch(() => {});
  }
}

/** By type, since a subscription has one filter: without system events (`$…`) and our own bookkeeping, or only `types`. */
function regexOf(types: readonly string[] | undefined): string {
  return types === undefined ? `^(?!\\$|${escaped(OWN_TYPE_PREFIX)})` : `^(?:${types.map(escaped).join('|')})$`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
