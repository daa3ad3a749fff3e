import { ErrorType, type WrongExpectedVersionError } from '@eventstore/db-client';
import { convertToCommandError } from '@eventstore/db-client/dist/utils/CommandError.js';
import { EventStoreError } from '@livegift/event-store';

type Redact = (text: string) => string;

/** How grpc-js words a call that never left this process. */
const NEVER_SENT =
  /No connection established|Name resolution failed|Channel closed before call started|Channel has been shut down/;
/** Words of the server when it turns a call away before doing anything. */
const NOT_READY = /Server Is Not Ready|Server Is (?:Too )?Busy|No leader info available/i;
/** `MaxAppendEventSize`, which the client knows nothing of. */
const EVENT_TOO_LARGE = /Maximum Append Event Size/i;
/** Servers name the reason in two ways; 22.10 says only `Error`, as it also does of faults that pass. */
const POSITION_REFUSED =
  /Unexpected (?:Filtered)?ReadAllResult: (?:Error|InvalidPosition)\b|read from an invalid position/;
/** Of gRPC: the server looks at what it is asked before it does anything. */
const INVALID_ARGUMENT = 3;

/** Answers with which the server says that it has written nothing. */
const NOTHING_WRITTEN = new Set<string>([
  ErrorType.ACCESS_DENIED,
  ErrorType.NOT_LEADER,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
]);

/** `unavailable`, and it will stay so until somebody changes something: not worth waiting for. */
export class UnavailableForGoodError extends EventStoreError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

/** True of what waiting does not mend: no access, or a server that is too old. */
export function isUnavailableForGood(error: unknown): boolean {
  return error instanceof UnavailableForGoodError;
}

/** Nothing came in time; for an append its outcome is unknown. */
export class NoAnswerError extends Error {
  readonly type = ErrorType.DEADLINE_EXCEEDED;

  constructor(afterMs: number, missing = 'answer') {
    super(`no ${missing} within ${afterMs} ms`);
  }
}

/** No node was found to send it to in time. */
export class NeverSentError extends NoAnswerError {
  constructor(afterMs: number) {
    super(afterMs, 'node of the server');
  }
}

/** What was answered cannot be understood; for an append its outcome is unknown. */
export class UnreadableAnswerError extends Error {
  readonly type = ErrorType.UNKNOWN;
}

/** A long call has ended: what was sent on it and not answered has an unknown outcome. */
export class CallBrokenError extends Error {
  readonly type: string;

  constructor(cause: Error) {
    super(`the call has broken off: ${cause.message}`);
    this.type = typeOf(cause) ?? ErrorType.CANCELLED;
  }
}

/** An error of gRPC as one of the client's kinds, which it makes itself only of the calls that it makes. */
export function fromGrpc(error: Error): Error {
  return convertToCommandError(error);
}

export function typeOf(error: unknown): string | undefined {
  return (error as { type?: string }).type;
}

export function isNotLeader(error: unknown): boolean {
  return typeOf(error) === ErrorType.NOT_LEADER;
}

/** The server cannot read from the position that it was given, or (22.10) has failed for another reason. */
export class PositionRefusedError extends EventStoreError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

/** A failed read of `$all`. */
export function readAllFailure(error: unknown, redact: Redact): EventStoreError {
  const failure = unavailable(error, redact);
  return POSITION_REFUSED.test(messageOf(error)) ? new PositionRefusedError(failure.message) : failure;
}

/** A failed read, snapshot or checkpoint. */
export function unavailable(error: unknown, redact: Redact): EventStoreError {
  if (error instanceof EventStoreError) return error;
  const message = worded(error, redact);
  if (typeOf(error) === ErrorType.ACCESS_DENIED) return new UnavailableForGoodError(message);
  return new EventStoreError('unavailable', message);
}

/** What a failed append says about itself. Whatever is not known to have done nothing has an unknown outcome. */
export function appendFailure(error: unknown, redact: Redact): EventStoreError {
  if (error instanceof EventStoreError) return error;
  const type = typeOf(error);
  if (type === ErrorType.WRONG_EXPECTED_VERSION)
    return wrongExpectedRevision((error as WrongExpectedVersionError).actualVersion);
  if (type === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED || EVENT_TOO_LARGE.test(messageOf(error))) {
    return new EventStoreError('append-too-large', 'EventStoreDB refuses an append of this size');
  }
  return new EventStoreError(wroteNothing(error) ? 'unavailable' : 'append-outcome-unknown', worded(error, redact));
}

export function wrongExpectedRevision(current: unknown): EventStoreError {
  const actual = typeof current === 'bigint' && current >= 0n ? Number(current) : 'no-stream';
  return new EventStoreError('wrong-expected-revision', `the stream is at ${actual}`, actual);
}

function wroteNothing(error: unknown): boolean {
  if (error instanceof CallBrokenError) return false;
  if (error instanceof NeverSentError) return true;
  const type = typeOf(error);
  const { code } = error as { code?: unknown };
  // Not an answer to a call: the client found no node to send it to.
  if (type === undefined) return code === undefined;
  const message = messageOf(error);
  return code === INVALID_ARGUMENT || NOTHING_WRITTEN.has(type) || NEVER_SENT.test(message) || NOT_READY.test(message);
}

function worded(error: unknown, redact: Redact): string {
  if (typeOf(error) === ErrorType.ACCESS_DENIED) {
    return 'EventStoreDB denies access: check user and password, and that the user may read $all';
  }
  return `EventStoreDB: ${redact(messageOf(error))}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
