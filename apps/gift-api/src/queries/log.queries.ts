import type { LogEvent } from '@livegift/contracts';
import type { EventStore } from '@livegift/event-store';
import { Turns, type Position, type RecordedEvent, type Telemetry } from '@livegift/kernel';
import { yieldToLoop } from '@livegift/process';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ProblemError } from '../http/problem.js';
import { ReadYourWrites } from './read-your-writes.js';

/** Events read from the store at once, and so what a slow reader holds in memory. */
const READ_EVENTS = 500;
/** Readers of the log at once, following or not. */
export const LOG_READERS_MAX = 100;

export interface LogRequest {
  /** Excluded. */
  readonly after?: string;
  /** Null, when following: without end. */
  readonly limit: number | null;
  /** Null: all. */
  readonly types: readonly string[] | null;
  readonly follow: boolean;
}

/** The log from a position on, in batches that are made when asked for. One may be empty: nothing that was read is wanted. */
export interface LogReading {
  readonly batches: AsyncIterable<readonly LogEvent[]>;
  close(): void;
}

export class ReadLog extends Query<LogReading> {
  constructor(readonly request: LogRequest) {
    super();
  }
}

/** Reads the log for those who want it whole: to replay, to export, to follow. */
export class LogReads {
  #readers = 0;
  /** Batches of all readers are decoded and written one in a turn of the event loop. */
  readonly #turns = new Turns(yieldToLoop);

  constructor(
    private readonly store: EventStore,
    private readonly readYourWrites: ReadYourWrites,
    private readonly telemetry: Telemetry,
  ) {}

  /**
   * Resolves once the first batch is made, or it is known that there is none: what fails until then can still be answered.
   * @throws ProblemError `invalid-request`, `read-model-behind`, `overloaded`
   * @throws EventStoreError `unavailable`, `damaged`
   */
  async open(request: LogRequest): Promise<LogReading> {
    await this.readYourWrites.logReaches(request.after);
    if (this.#readers >= LOG_READERS_MAX) {
      this.telemetry.count('log_readers_refused_total');
      throw new ProblemError('overloaded', 'too many are reading the log');
    }
    this.telemetry.gauge('log_readers', ++this.#readers);
    const ends: (() => void)[] = [];
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.telemetry.gauge('log_readers', --this.#readers);
      for (const end of ends) end();
    };
    const isWanted = (): boolean => isOpen;
    // A store finds events of some types far faster than they can be picked out here.
    const batches =
      request.follow || request.types !== null
        ? this.#subscribed(request, isWanted, (end) => ends.push(end))
        : this.#read(request, isWanted);
    try {
      return { batches: await begun(batches), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  async *#read({ after, limit }: LogRequest, isOpen: () => boolean): AsyncGenerator<readonly LogEvent[]> {
    let place = (after ?? null) as Position | null;
    let left = limit ?? Number.MAX_SAFE_INTEGER;
    while (left > 0 && isOpen()) {
      await this.#turns.take();
      const events = await this.store.readAll({ after: place, limit: Math.min(left, READ_EVENTS) });
      if (events.length === 0) return;
      left -= events.length;
      place = events.at(-1)?.position ?? place;
      yield events.map(logEvent);
    }
  }

  /** Without `follow` it ends where the log ended when that was reached. */
  async *#subscribed(
    { after, limit, types, follow }: LogRequest,
    isOpen: () => boolean,
    onClose: (end: () => void) => void,
  ): AsyncGenerator<readonly LogEvent[]> {
    const place = (after ?? null) as Position | null;
    let left = limit ?? Number.MAX_SAFE_INTEGER;
    const subscription = await this.store.subscribe({
      after: place === null ? null : { storeId: this.store.storeId, position: place },
      types: types ?? undefined,
      batchEventsMax: READ_EVENTS,
    });
    onClose(() => subscription.close());
    try {
      let isCaughtUp = false;
      while (left > 0 && isOpen()) {
        if (!isCaughtUp) await this.#turns.take();
        const batch = await subscription.next();
        if (batch === null) return;
        if (isCaughtUp) await this.#turns.take();
        isCaughtUp = batch.caughtUp;
        const wanted = batch.events.slice(0, left);
        left -= wanted.length;
        yield wanted.map(logEvent);
        if (isCaughtUp && !follow) return;
      }
    } finally {
      subscription.close();
    }
  }
}

/** With its first batch made. A follower's comes at once too, empty at the end of the log. */
async function begun<Batch>(batches: AsyncGenerator<Batch>): Promise<AsyncIterable<Batch>> {
  const first = await batches.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* batches;
  })();
}

export function logEvent(event: RecordedEvent): LogEvent {
  const { position, stream, revision, id, type, schemaVersion, metadata, data } = event;
  const { occurredAt } = data as { readonly occurredAt?: string };
  return {
    position,
    stream,
    revision,
    id,
    type,
    schemaVersion,
    occurredAt: occurredAt ?? metadata.recordedAt,
    recordedAt: metadata.recordedAt,
    correlationId: metadata.$correlationId,
    causationId: metadata.$causationId,
    data,
  };
}

@QueryHandler(ReadLog)
export class ReadLogHandler implements IQueryHandler<ReadLog> {
  constructor(private readonly log: LogReads) {}

  execute({ request }: ReadLog): Promise<LogReading> {
    return this.log.open(request);
  }
}
