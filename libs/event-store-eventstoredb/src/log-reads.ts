import {
  BACKWARDS,
  END,
  ErrorType,
  FORWARDS,
  START,
  type AllStreamResolvedEvent,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { EventStoreError, type ReadAllOptions, type ReadStreamOptions } from '@livegift/event-store';
import type { Position, RecordedEvent } from '@livegift/kernel';
import type { Connection } from './connection.js';
import { toRecorded } from './event.mapping.js';
import { laterOf, NO_POSITION, positionOf, serverPosition } from './position.js';
import { PositionRefusedError, readAllFailure, typeOf, unavailable } from './server-errors.js';

export const READ_EVENTS_MAX = 10_000;
const PAGE_EVENTS_MAX = 1_000;
/** Mostly the newest record is ours; else the pages grow. */
const HEAD_PAGE_EVENTS = 4;
const HEAD_PAGE_FACTOR = 8;
/** A position refused so often, while the log can be read elsewhere, is none of this log. */
const REFUSALS_MAX = 2;

export class LogReads {
  #head: Position | null = null;
  /** Up to here everything has been looked at for the head. */
  #looked: Position | null = null;

  constructor(private readonly connection: Connection) {}

  /** The newest event known without asking. */
  get knownHead(): Position | null {
    return this.#head;
  }

  /** An event of ours that is durable. */
  noteDurable(position: Position): void {
    this.#head = laterOf(this.#head, position);
  }

  /** The newest event of the log: the end of `$all` is mostly the server's own, so it is walked backwards to one of ours. */
  async head(): Promise<Position | null> {
    const looked = this.#looked;
    let end: Position | null = null;
    let from: Position | null = null;
    for (let size = HEAD_PAGE_EVENTS; ; size = Math.min(HEAD_PAGE_FACTOR * size, PAGE_EVENTS_MAX)) {
      const page = await this.#page(from, BACKWARDS, size);
      for (const resolved of page) {
        from = positionOf(resolved.event!.position);
        end ??= from;
        const known = looked !== null && from <= looked;
        if (known || toRecorded(resolved) !== null) {
          if (!known) this.noteDurable(from);
          this.#looked = laterOf(this.#looked, end);
          return this.#head;
        }
      }
      if (page.length < size) {
        this.#looked = laterOf(this.#looked, end);
        return this.#head;
      }
    }
  }

  /** Forwards the server includes the position that it is given; the port never does. */
  async all(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    const direction = options.direction === 'backwards' ? BACKWARDS : FORWARDS;
    const limit = bounded(options.limit);
    const events: RecordedEvent[] = [];
    for (let from = beginningOf(options); ;) {
      const size = Math.min(PAGE_EVENTS_MAX, limit - events.length + 1);
      const page = await this.#page(from, direction, size);
      const start = from;
      for (const resolved of page) {
        const position = positionOf(resolved.event!.position);
        if (start !== null && (direction === FORWARDS ? position <= start : position >= start)) continue;
        from = position;
        const event = toRecorded(resolved);
        if (event !== null && events.push(event) === limit) return events;
      }
      if (page.length < size || from === start) return events;
    }
  }

  /**
   * Where the record before a position is, whoever wrote it; null when there is none.
   * @throws EventStoreError `checkpoint-foreign`: no record begins at the position; `unavailable`
   */
  async standingBefore(position: Position): Promise<Position | null> {
    for (let refusals = 0; ;) {
      try {
        const [before] = await this.#page(commitOf(position), BACKWARDS, 1);
        return before === undefined ? null : positionOf(before.event!.position);
      } catch (error) {
        if (!(error instanceof PositionRefusedError)) throw error;
        if (++refusals === REFUSALS_MAX) {
          throw new EventStoreError('checkpoint-foreign', `no record of this log begins at ${position}`);
        }
        // A server that cannot read at all says the same: then this fails too. A follower may not have got there yet.
        const [newest] = await this.#page(null, BACKWARDS, 1);
        if (newest === undefined || positionOf(newest.event!.position) < position) throw error;
      }
    }
  }

  async stream(stream: string, { from, direction, limit }: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    const maxCount = bounded(limit);
    if (direction !== 'backwards') {
      const resolved = await this.resolvedOf(stream, {
        maxCount,
        fromRevision: from === undefined ? START : BigInt(from),
      });
      return ownOf(resolved);
    }
    const backwards = { maxCount, direction: BACKWARDS } as const;
    if (from === undefined) return ownOf(await this.resolvedOf(stream, { ...backwards, fromRevision: END }));
    const events = ownOf(await this.resolvedOf(stream, { ...backwards, fromRevision: BigInt(from) }));
    if (events.length > 0) return events;
    // From beyond the end the server may answer nothing.
    const newest = ownOf(await this.resolvedOf(stream, { ...backwards, fromRevision: END }));
    return newest.filter(({ revision }) => revision <= from);
  }

  /** Events of a stream as the server has them; none when there is no such stream. @throws EventStoreError `unavailable` */
  async resolvedOf(
    stream: string,
    options: {
      readonly maxCount: number;
      readonly fromRevision: bigint | typeof START | typeof END;
      readonly direction?: typeof BACKWARDS | typeof FORWARDS;
    },
  ): Promise<readonly ResolvedEvent[]> {
    const { connection } = this;
    try {
      return await connection.collect<ResolvedEvent>((client) =>
        client.readStream(stream, { ...options, ...connection.options }),
      );
    } catch (error) {
      if (typeOf(error) === ErrorType.STREAM_NOT_FOUND) return [];
      throw unavailable(error, connection.redact);
    }
  }

  /** Whether `$all` has the event where reading its stream says that it is: older servers say nothing, or zeros, there. */
  async standsAt({ id, position }: NonNullable<ResolvedEvent['event']>): Promise<boolean> {
    if (position === undefined || position.commit === 0n || position.commit === NO_POSITION) return false;
    const [found] = await this.#page(positionOf(position), FORWARDS, 1);
    return found?.event?.id === id && positionOf(found.event.position) === positionOf(position);
  }

  async #page(
    from: Position | null,
    direction: typeof BACKWARDS | typeof FORWARDS,
    maxCount: number,
  ): Promise<readonly AllStreamResolvedEvent[]> {
    const fromPosition = from === null ? (direction === FORWARDS ? START : END) : serverPosition(from);
    const { connection } = this;
    try {
      const page = await connection.collect<AllStreamResolvedEvent>((client) =>
        client.readAll({ fromPosition, direction, maxCount, ...connection.options }),
      );
      return page;
    } catch (error) {
      throw readAllFailure(error, connection.redact);
    }
  }
}

function ownOf(resolved: readonly ResolvedEvent[]): readonly RecordedEvent[] {
  return resolved.flatMap((each) => toRecorded(each) ?? []);
}

/** Backwards a server leaves out the record that ends at a commit if the prepare is below it. */
function beginningOf({ after, direction }: ReadAllOptions): Position | null {
  if (after === undefined || after === null) return null;
  return direction === 'backwards' ? commitOf(after) : after;
}

function commitOf(position: Position): Position {
  const { commit } = serverPosition(position);
  return positionOf({ commit, prepare: commit });
}

function bounded(limit: number): number {
  return Math.max(1, Math.min(limit, READ_EVENTS_MAX));
}
