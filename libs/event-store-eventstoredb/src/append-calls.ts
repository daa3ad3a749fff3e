import { randomUUID } from 'node:crypto';
import type { EventStoreDBClient } from '@eventstore/db-client';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpcPb from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import type { ExpectedRevision } from '@livegift/event-store';
import type { Position } from '@livegift/kernel';
import { answeredRefusal } from './append-refusals.js';
import type { WireEvent } from './event.mapping.js';
import { positionOf } from './position.js';
import { CallBrokenError, fromGrpc, NoAnswerError } from './server-errors.js';

export interface AppendAnswer {
  /** Of the last event. */
  readonly revision: number;
  /** Which event's, if any's, differs between versions of the server. */
  readonly position: Position | null;
}

export interface AppendCallOptions {
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly requiresLeader: boolean;
  /** An append that has no answer after so many milliseconds has an unknown outcome. */
  readonly deadline: number;
}

type Request = InstanceType<typeof streamsPb.BatchAppendReq>;
type Answer = InstanceType<typeof streamsPb.BatchAppendResp>;
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
    const call = await this.#callOf(client, options);
    return await call.append(stream, events, expected, options.deadline);
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
  readonly stream: string;
  resolve(answer: AppendAnswer): void;
  reject(error: unknown): void;
}

/** One call. Once it has broken nothing more is sent on it. */
class AppendCall {
  /** By correlation id. */
  readonly #waiting = new Map<string, Waiting>();
  #isHeard = false;
  #failure: Error | null = null;

  constructor(
    private readonly call: Call,
    private readonly over: () => void,
  ) {
    call.on('data', (answer: Answer) => this.#answered(answer));
    // Kept to the end: a second error would be one that nobody listens to.
    call.on('error', (error: Error) => this.#broken(fromGrpc(error)));
    call.on('end', () => this.#broken(new CallBrokenError('the server has ended the call')));
  }

  append(
    stream: string,
    events: readonly WireEvent[],
    expected: ExpectedRevision,
    deadlineMs: number,
  ): Promise<AppendAnswer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new NoAnswerError(deadlineMs));
      }, deadlineMs);
      this.#waiting.set(id, {
        stream,
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error as Error);
        },
      });
      this.call.write(requestOf(id, stream, events, expected));
    });
  }

  #answered(answer: Answer): void {
    this.#isHeard = true;
    const id = idOf(answer.getCorrelationId());
    const waiting = this.#waiting.get(id);
    // Too late: its outcome was given up as unknown.
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    const refused = answer.getError();
    if (refused !== undefined) return waiting.reject(answeredRefusal(refused));
    const success = answer.getSuccess()!;
    const told = success.getPosition();
    const position =
      told === undefined
        ? null
        : positionOf({ commit: BigInt(told.getCommitPosition()), prepare: BigInt(told.getPreparePosition()) });
    waiting.resolve({ revision: Number(success.getCurrentRevision()), position });
  }

  /** What waits may have been written, and only a call on which nothing was heard can say that it was not. */
  #broken(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = this.#isHeard ? new CallBrokenError(error.message) : error;
    this.over();
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** No deadline goes with it: that would be a time of this machine's clock. The server has one of its own. */
function requestOf(id: string, stream: string, events: readonly WireEvent[], expected: ExpectedRevision): Request {
  const options = new streamsPb.BatchAppendReq.Options();
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  options.setStreamIdentifier(identifier);
  if (expected === 'no-stream') options.setNoStream(new sharedPb.Empty());
  else options.setStreamPosition(String(expected));
  const request = new streamsPb.BatchAppendReq();
  request.setCorrelationId(uuid(id));
  request.setOptions(options);
  request.setProposedMessagesList(events.map(proposed));
  request.setIsFinal(true);
  return request;
}

function proposed({ id, type, data, metadata }: WireEvent) {
  const message = new streamsPb.BatchAppendReq.ProposedMessage();
  message.setId(uuid(id));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  message.setData(data);
  message.setCustomMetadata(metadata);
  return message;
}

function uuid(text: string) {
  const message = new sharedPb.UUID();
  message.setString(text);
  return message;
}

/** The server answers in whichever of two forms it likes. */
function idOf(id: InstanceType<typeof sharedPb.UUID> | undefined): string {
  const structured = id?.getStructured();
  if (structured === undefined) return id?.getString().toLowerCase() ?? '';
  const half = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
