import {
  assertAppendable,
  EventStoreError,
  type Appended,
  type AppendResult,
  type ExpectedRevision,
} from '@livegift/event-store';
import type { NewEvent, Position } from '@livegift/kernel';
import { AppendCalls } from './append-calls.js';
import type { AppendAnswer } from './append-messages.js';
import type { Connection } from './connection.js';
import { isReservedStream, serverBytes, toRecorded, toWire, type WireEvent } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { appendFailure, CallBrokenError } from './server-errors.js';

/** The server's default (`MaxAppendSize`). */
const SERVER_BYTES_MAX = 1_048_576;
const READ_BACK_ATTEMPTS = 3;

export interface AppendLimits {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
}

export class EventAppends {
  readonly #calls = new AppendCalls();
  /** Whether the position in an append's answer is the (last) event's own; found out with the first of one and of several. */
  readonly #answersPosition: { one?: boolean; several?: boolean } = {};

  constructor(
    private readonly connection: Connection,
    private readonly reads: LogReads,
    private readonly limits: AppendLimits,
  ) {}

  /** As it is sent, once for the check and the way. @throws EventStoreError `append-too-large` */
  encoded(stream: string, events: readonly NewEvent[]): readonly WireEvent[] {
    if (isReservedStream(stream)) throw new Error(`the stream ${stream} belongs to the event store itself`);
    assertAppendable(stream, events);
    const { appendBytesMax, appendEventsMax } = this.limits;
    if (events.length > appendEventsMax) {
      throw new EventStoreError('append-too-large', `${events.length} events, at most ${appendEventsMax}`);
    }
    const wire = events.map(toWire);
    const callers = wire.reduce((sum, { callersBytes }) => sum + callersBytes, 0);
    const servers = wire.reduce((sum, event) => sum + serverBytes(event), 0);
    if (callers > appendBytesMax || servers > SERVER_BYTES_MAX) {
      throw new EventStoreError('append-too-large', `${callers} bytes of events, at most ${appendBytesMax}`);
    }
    return wire;
  }

  /** @throws EventStoreError `wrong-expected-revision`, `append-too-large`, `append-outcome-unknown`, `unavailable` */
  async append(stream: string, events: readonly WireEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    const { revision, position } = await this.#send(stream, events, expected);
    const isTold = events.length === 1 && position !== null && this.#answersPosition.one === true;
    const positions = isTold ? [position] : await this.#readBack(stream, events, revision, position);
    this.reads.noteDurable(positions.at(-1)!);
    return { revision, positions };
  }

  /** The same for who need not know where the events before the last one stand: mostly without reading them back. */
  async appendLast(stream: string, events: readonly WireEvent[], expected: ExpectedRevision): Promise<Appended> {
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
    events: readonly WireEvent[],
    revision: number,
    told: Position | null,
  ): Promise<readonly Position[]> {
    const positions = await this.#positionsOf(stream, revision - events.length + 1, events);
    if (told !== null) this.#answersPosition[countOf(events)] ??= told === positions.at(-1);
    return positions;
  }

  async #send(stream: string, events: readonly WireEvent[], expected: ExpectedRevision): Promise<AppendAnswer> {
    const { connection } = this;
    let lost: CallBrokenError | null = null;
    try {
      const answer = await connection.call(async (client) => {
        try {
          return await this.#calls.append(client, { stream, events, expected }, connection.options);
        } catch (error) {
          if (error instanceof CallBrokenError) lost = error;
          throw error;
        }
      });
      // Perhaps an answer to a repetition, which is not known to say where the events stand.
      return lost === null ? answer : { ...answer, position: null };
    } catch (error) {
      const failure = appendFailure(error, connection.redact);
      // The second attempt may have done nothing; what the first one did is not known.
      throw lost !== null && failure.code === 'unavailable' ? appendFailure(lost, connection.redact) : failure;
    }
  }

  async #positionsOf(stream: string, from: number, events: readonly WireEvent[]): Promise<readonly Position[]> {
    const options = { maxCount: events.length, fromRevision: BigInt(from) };
    let reason = '';
    for (let attempt = 0; attempt < READ_BACK_ATTEMPTS; attempt++) {
      try {
        const read = (await this.reads.resolvedOf(stream, options)).flatMap((resolved) => toRecorded(resolved) ?? []);
        if (read.length === events.length && read.every(({ id }, at) => id === events[at]!.eventId)) {
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

function countOf(events: readonly WireEvent[]): 'one' | 'several' {
  return events.length === 1 ? 'one' : 'several';
}
