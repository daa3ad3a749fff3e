import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  ErrorType,
  type AllStreamResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { EventStoreError } from '@livegift/event-store';
import type { Telemetry } from '@livegift/kernel';
import { CallGate } from './call-gate.js';
import type { ConnectionSettings, Credentials } from './connection-string.js';
import { Hearing } from './hearing.js';
import { NoAnswerError, typeOf, UnavailableForGoodError } from './server-errors.js';
import { within } from './within.js';

export interface CallOptions {
  readonly credentials?: Credentials;
  /** A follower may lag: what was just written is read where it was written. The client follows the leader. */
  readonly requiresLeader: true;
  readonly deadline: number;
}

/**
 * The client, made anew when it has lost its way: after a failed discovery it answers with that failure for ever. It is
 * told that the server knows no batched appends, so that what it appends itself goes out as calls of their own (see
 * `AppendCalls`).
 */
export class Connection {
  #client: EventStoreDBClient | null = null;
  readonly options: CallOptions;
  readonly #reads: CallGate;
  readonly #hearing = new Hearing(() => this.#isAnswered());

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly limits: {
      readonly deadlineMs: number;
      readonly inFlightMax: number;
      readonly queueLengthMax: number;
    },
    telemetry: Telemetry,
  ) {
    this.options = { credentials: settings.credentials, requiresLeader: true, deadline: limits.deadlineMs };
    this.#reads = new CallGate(limits.inFlightMax, limits.queueLengthMax, (waiting) => {
      telemetry.count('event_store_overloaded_total');
      return new EventStoreError('unavailable', `${waiting} reads are waiting already`);
    });
  }

  get client(): EventStoreDBClient {
    this.#client ??= connect(this.settings);
    return this.#client;
  }

  get redact(): (text: string) => string {
    return this.settings.redact;
  }

  /**
   * One call. A node that is not the leader has done nothing and named the leader: the client goes there by itself, so the
   * call is made once more.
   */
  async call<T>(action: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
    if (this.#hearing.isSilent) await this.#hearing.refuse();
    const answersBefore = this.#hearing.answers;
    try {
      const answer = await this.#attempts(action);
      this.#hearing.answered();
      return answer;
    } catch (error) {
      if (typeOf(error) === ErrorType.DEADLINE_EXCEEDED) {
        this.#hearing.unanswered(answersBefore, this.redact((error as Error).message));
      } else this.#hearing.answered();
      throw error;
    }
  }

  async #attempts<T>(action: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        // The deadline goes with a call; looking for a node has none.
        const timeoutMs = 2 * this.limits.deadlineMs;
        return await within(action(this.client), timeoutMs, () => new NoAnswerError(timeoutMs));
      } catch (error) {
        if (isLost(error)) this.forget();
        if (attempt > 0 || typeOf(error) !== ErrorType.NOT_LEADER) throw error;
        // The client changes its connection only after it has told us.
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
  }

  /** All that a read answers; its stream is given up when nothing has come for the deadline. */
  async collect<T>(read: (client: EventStoreDBClient) => StreamingRead<T>): Promise<T[]> {
    return await this.#reads.run(() => this.call((client) => collected<T>(read(client), this.limits.deadlineMs)));
  }

  async #isAnswered(): Promise<boolean> {
    const newest = { fromPosition: END, direction: BACKWARDS, maxCount: 1, ...this.options } as const;
    try {
      await this.#attempts((client) =>
        collected<AllStreamResolvedEvent>(client.readAll(newest), this.limits.deadlineMs),
      );
      return true;
    } catch (error) {
      // Also a refusal is an answer, and no connection is for the next call to find out: it is told so at once.
      return typeOf(error) !== ErrorType.DEADLINE_EXCEEDED;
    }
  }

  /** The next call makes a new client. */
  forget(): void {
    const client = this.#client;
    this.#client = null;
    if (client !== null) void dispose(client);
  }

  async close(): Promise<void> {
    this.#hearing.stop();
    const client = this.#client;
    this.#client = null;
    if (client !== null) await dispose(client);
  }
}

function connect({ address, redact }: ConnectionSettings): EventStoreDBClient {
  let client: EventStoreDBClient;
  try {
    client = EventStoreDBClient.connectionString(address);
  } catch (error) {
    const message = redact(error instanceof Error ? error.message : String(error));
    throw new UnavailableForGoodError(`the connection string of EventStoreDB is not one: ${message}`);
  }
  client['supports'] = () => Promise.resolve(false);
  // A call that breaks while another node is looked for makes the client wait for that search, and nobody catches its failure.
  // Who makes the next call is told of it.
  const { handleError } = client as unknown as { handleError: (...broken: unknown[]) => Promise<void> };
  client['handleError'] = (...broken: unknown[]) => handleError(...broken).catch(() => {});
  return client;
}

async function dispose(client: EventStoreDBClient): Promise<void> {
  const late = (): Error => new NoAnswerError(DISPOSE_MS);
  // Asked for first, since what is called off may make the client let go of it. Where there is none, calls may still be open
  // on an older one; and one that is found too late is closed all the same, with what waits for it.
  const found = client['getChannel']().catch(() => null);
  await within(client.dispose(), DISPOSE_MS, late).catch(() => {});
  const closed = found.then((channel) => channel?.close());
  await within(closed, DISPOSE_MS, late).catch(() => {});
}
const DISPOSE_MS = 1_000;
const RECONNECT_MS = 20;

/** Not an answer of a server, nor a failure of one call: the client itself has no node. */
function isLost(error: unknown): boolean {
  return error instanceof Error && !(error instanceof EventStoreError) && typeOf(error) === undefined;
}

function collected<T>(read: StreamingRead<T>, quietMs: number): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const items: T[] = [];
    const timer = setTimeout(() => {
      read.cancel().catch(() => {});
      fail(new NoAnswerError(quietMs));
    }, quietMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    // Kept to the end: an error after the first would be one that nobody listens to.
    read.on('error', fail);
    read.on('data', (item: T) => {
      timer.refresh();
      items.push(item);
    });
    read.on('end', () => {
      clearTimeout(timer);
      resolve(items);
    });
  });
}
