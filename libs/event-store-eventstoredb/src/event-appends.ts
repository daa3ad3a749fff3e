import { NO_STREAM } from '@eventstore/db-client';
import { EventStoreError, type Appended, type AppendResult, type ExpectedRevision } from '@livegift/event-store';
import type { NewEvent, Position } from '@livegift/kernel';
import type { Connection } from './connection.js';
import { isReservedStream, toEventData, toRecorded, wireBytes } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { positionOf } from './position.js';
import { appendFailure, wrongExpectedRevision } from './server-errors.js';

/** The server's default (`MaxAppendSize`). */
const SERVER_BYTES_MAX = 1_048_576;
const READ_BACK_ATTEMPTS = 3;

export interface AppendLimits {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
}

export class EventAppends {
  /** Whether the position in an append's answer is the (last) event's own; found out with the first of one and of several. */
  readonly #answersPosition: { one?: boolean; several?: boolean } = {};

  constructor(
    private readonly connection: Connection,
    private readonly reads: LogReads,
    private readonly limits: AppendLimits,
  ) {}

  /** @throws EventStoreError `append-too-large` */
  assertFits(stream: string, events: readonly NewEvent[]): void {
    if (isReservedStream(stream)) throw new Error(`the stream ${stream} belongs to the event store itself`);
    if (events.length === 0) throw new Error('an append has at least one event');
    const { appendBytesMax, appendEventsMax } = this.limits;
    if (events.length > appendEventsMax) {
      throw new EventStoreError('append-too-large', `${events.length} events, at most ${appendEventsMax}`);
    }
    let [ours, server] = [0, 0];
    for (const event of events) {
      const bytes = wireBytes(event);
      ours += bytes.ours;
      server += bytes.server;
    }
    if (ours > appendBytesMax || server > SERVER_BYTES_MAX) {
      throw new EventStoreError('append-too-large', `${ours} bytes of events, at most ${appendBytesMax}`);
    }
  }

  /** @throws EventStoreError `wrong-expected-revision`, `append-too-large`, `append-outcome-unknown`, `unavailable` */
  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    const { revision, position } = await this.#send(stream, events, expected);
    const isTold = events.length === 1 && position !== null && this.#answersPosition.one === true;
    const positions = isTold ? [position] : await this.#readBack(stream, events, revision, position);
    this.reads.noteDurable(positions.at(-1)!);
    return { revision, positions };
  }

  /** The same for who need not know where the events before the last one stand: mostly without reading them back. */
  async appendLast(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
    const told = await this.#send(stream, events, expected);
    const isTold = told.position !== null && this.#answersPosition[countOf(events)] === true;
    const position = isTold
      ? told.position
      : (await this.#readBack(stream, events, told.revision, told.position)).at(-1)!;
    this.reads.noteDurable(position);
    return { revision: told.revision, position };
  }

  /** The server answers at most one position for an append; those of its events stand with the events. */
  async #readBack(
    stream: string,
    events: readonly NewEvent[],
    revision: number,
    told: Position | null,
  ): Promise<readonly Position[]> {
    const positions = await this.#positionsOf(stream, revision - events.length + 1, events);
    this.#answersPosition[countOf(events)] ??= told === positions.at(-1);
    return positions;
  }

  async #send(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<{ readonly revision: number; readonly position: Position | null }> {
    const expectedRevision: bigint | typeof NO_STREAM = expected === 'no-stream' ? NO_STREAM : BigInt(expected);
    const options = { expectedRevision, ...this.connection.options };
    const data = events.map(toEventData);
    let answer;
    try {
      answer = await this.connection.call((client) => client.appendToStream(stream, data, options));
    } catch (error) {
      throw appendFailure(error, this.connection.redact);
    }
    if (!answer.success) throw wrongExpectedRevision(answer.nextExpectedRevision);
    const position = answer.position === undefined ? null : positionOf(answer.position);
    return { revision: Number(answer.nextExpectedRevision), position };
  }

  async #positionsOf(stream: string, from: number, events: readonly NewEvent[]): Promise<readonly Position[]> {
    const options = { maxCount: events.length, fromRevision: BigInt(from) };
    let reason = '';
    for (let attempt = 0; attempt < READ_BACK_ATTEMPTS; attempt++) {
      try {
        const read = (await this.reads.resolvedOf(stream, options)).flatMap((resolved) => toRecorded(resolved) ?? []);
        if (read.length === events.length && read.every(({ id }, at) => id === events[at]!.id)) {
          return read.map(({ position }) => position);
        }
        reason = 'other events stand in their place';
      } catch (error) {
        reason = (error as Error).message;
      }
    }
    // They are written; but where, and so what to answer, is not known. Whoever reloads finds them.
    throw new EventStoreError('append-outcome-unknown', `the events just written cannot be read: ${reason}`);
  }
}

function countOf(events: readonly NewEvent[]): 'one' | 'several' {
  return events.length === 1 ? 'one' : 'several';
}
