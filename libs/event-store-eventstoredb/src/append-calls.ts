import { randomUUID } from 'node:crypto';
import type { EventStoreDBClient } from '@eventstore/db-client';
import streamsGrpcPb from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { ExpectedRevision } from '@livegift/event-store';
import { idOf, requestOf, successOf, type Answer, type AppendAnswer } from './append-messages.js';
import { answeredRefusal } from './append-refusals.js';
import type { WireEvent } from './event.mapping.js';
import {
  CallBrokenError,
  fromGrpc,
  NeverSentError,
  NoAnswerError,
  isNotLeader,
  typeOf,
  UnreadableAnswerError,
} from './server-errors.js';
import { within } from './within.js';

export interface AppendCallOptions {
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly requiresLeader: boolean;
  /** An append that has no answer after so many milliseconds has an unknown outcome. */
  readonly deadline: number;
}

type Call = ReturnType<InstanceType<typeof streamsGrpcPb.StreamsClient>['batchAppend']>;

/**
 * Appends over one long call for each connection (`BatchAppend`): a call for each append costs both sides two to three
 * times as much. The client has the same, but there one map holds what waits for an answer in all clients of a process:
 * one call that breaks rejects the appends of every other, and an answer that comes too late throws where nobody catches it.
 */
export class AppendCalls {
  readonly #calls = new WeakMap<EventStoreDBClient, Promise<AppendCall>>();

  /** @throws EventStoreError, or an error of the client's kinds (`ErrorType`) */
  async append(
    client: EventStoreDBClient,
    { stream, events, expected }: { stream: string; events: readonly WireEvent[]; expected: ExpectedRevision },
    options: AppendCallOptions,
  ): Promise<AppendAnswer> {
    const { deadline } = options;
    // What waits longer than that is not sent any more: whoever asked for it has been told something.
    const call = await within(this.#callOf(client, options), deadline, () => new NeverSentError(deadline));
    return await call.append(stream, events, expected, deadline);
  }

  #callOf(client: EventStoreDBClient, options: AppendCallOptions): Promise<AppendCall> {
    let call = this.#calls.get(client);
    if (call !== undefined) return call;
    const over = (): void => {
      if (this.#calls.get(client) === call) this.#calls.delete(client);
    };
    call = this.#open(client, options, over);
    call.catch(over);
    this.#calls.set(client, call);
    return call;
  }

  /** By the client's own way to make calls: it looks for another node when this one breaks. */
  async #open(client: EventStoreDBClient, options: AppendCallOptions, over: () => void): Promise<AppendCall> {
    const open = client['GRPCStreamCreator'](streamsGrpcPb.StreamsClient, 'batchAppend', (grpc) =>
      grpc.batchAppend(...client['callArguments'](options, { deadline: Infinity })),
    );
    return new AppendCall(await open(), over);
  }
}

interface Waiting {
  resolve(answer: AppendAnswer): void;
  reject(error: Error): void;
}

/** One call. Once it has broken, or is taken for dead, nothing more is sent on it. */
class AppendCall {
  /** By correlation id. */
  readonly #waiting = new Map<string, Waiting>();
  #sent = 0;
  #answers = 0;
  #isDead = false;
  #failure: Error | null = null;

  constructor(
    private readonly call: Call,
    private readonly over: () => void,
  ) {
    call.on('data', (answer: Answer) => this.#answered(answer));
    // Kept to the end: a second error would be one that nobody listens to.
    call.on('error', (error: Error) => this.#broken(fromGrpc(error)));
    call.on('end', () => {
      this.#broken(new Error('the server has ended it'));
      // The client keeps it until our half has ended too.
      call.end();
    });
  }

  append(
    stream: string,
    events: readonly WireEvent[],
    expected: ExpectedRevision,
    deadlineMs: number,
  ): Promise<AppendAnswer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = randomUUID();
    const request = requestOf(id, stream, events, expected);
    const answersBefore = this.#answers;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new NoAnswerError(deadlineMs));
        if (this.#answers === answersBefore) this.#giveUp();
        this.#callOffIfDead();
      }, deadlineMs);
      this.#waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#sent++;
      this.call.write(request);
    });
  }

  #answered(answer: Answer): void {
    this.#answers++;
    const id = idOf(answer.getCorrelationId());
    const waiting = this.#waiting.get(id);
    // Too late: its outcome was given up as unknown.
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    try {
      const refused = answer.getError();
      if (refused === undefined) waiting.resolve(successOf(answer));
      else waiting.reject(answeredRefusal(refused));
    } catch (error) {
      // Nobody would catch it here.
      waiting.reject(new UnreadableAnswerError(`the answer cannot be understood: ${(error as Error).message}`));
    }
    this.#callOffIfDead();
  }

  /** Nothing at all came for a whole deadline. The connection may be well and this call not: the next append opens another. */
  #giveUp(): void {
    this.#isDead = true;
    this.over();
  }

  /** What has not been sent of it yet is then never sent. */
  #callOffIfDead(): void {
    if (this.#isDead && this.#waiting.size === 0) this.call.cancel();
  }

  #broken(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = this.#isOfAll(error) ? error : new CallBrokenError(error);
    this.over();
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }

  /**
   * Whether it says of everything sent on this call what it says. A call on which something was answered did work, and a node
   * that is not the leader any more ends the call for one append, while it may have written another.
   */
  #isOfAll(error: Error): boolean {
    if (this.#answers > 0 || typeOf(error) === undefined) return false;
    return !isNotLeader(error) || this.#sent === 1;
  }
}
