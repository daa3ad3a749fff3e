import type { FieldError, Problem } from '@livegift/contracts';
import { PUT_OFF_HEADERS, putOffStream, putsOffStream } from '@livegift/process';
import type { FastifyReply } from 'fastify';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/** Every code that leaves the server, with its status. Codes are never renamed and never change their status. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'idempotency-key-required': { status: 400, title: 'This command needs an Idempotency-Key' },
  unauthenticated: { status: 401, title: 'Who is asking?' },
  'balance-too-low': { status: 402, title: 'The wallet does not hold enough coins' },
  forbidden: { status: 403, title: 'Not allowed' },
  'age-not-assured': { status: 403, title: "The viewer's age is not assured" },
  'wallet-frozen': { status: 403, title: 'The wallet is frozen' },
  'not-found': { status: 404, title: 'No such route' },
  'wallet-not-found': { status: 404, title: 'No such wallet' },
  'creator-not-found': { status: 404, title: 'No such creator' },
  'room-not-found': { status: 404, title: 'No such room' },
  'gift-not-found': { status: 404, title: 'No such gift' },
  'method-not-allowed': { status: 405, title: 'Not with this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'wallet-exists': { status: 409, title: 'There is a wallet with other data' },
  'room-exists': { status: 409, title: 'There is a room with other data' },
  'room-closed': { status: 409, title: 'The room is closed' },
  'payment-already-used': { status: 409, title: 'The payment has bought coins already' },
  'room-creator-mismatch': { status: 409, title: 'The room belongs to another creator' },
  contention: { status: 409, title: 'Too many writers at once' },
  'period-expired': { status: 410, title: 'The period is no longer kept' },
  'history-changed': { status: 410, title: 'A backup was restored' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'too-many-lines': { status: 413, title: 'Too many lines' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'Not in this format' },
  'balance-limit': { status: 422, title: 'The wallet would hold too much' },
  'gift-unknown': { status: 422, title: 'The catalogue has no such gift' },
  'amount-limit': { status: 422, title: 'Too many coins for one command' },
  'creator-limit': { status: 422, title: 'The creator has earned as much as can be counted' },
  'cannot-gift-self': { status: 422, title: 'Nobody sends gifts to themselves' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another body' },
  'import-id-reused': { status: 422, title: 'The importId was used for other content' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'upgrade-required': { status: 426, title: 'Only as a WebSocket' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
  overloaded: { status: 503, title: 'Too busy' },
  unavailable: { status: 503, title: 'Not available' },
  'read-model-rebuilding': { status: 503, title: 'The read model is being rebuilt' },
  'read-model-behind': { status: 504, title: 'The read model has not got there yet' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';
/** Of the `errors`, in the sentence for people. */
const ERRORS_SAID_MAX = 5;
/** How long a client that was told 503 waits before it asks again. */
const RETRY_AFTER_SECONDS = 1;

/** Thrown where a request ends with a problem. Commands that are refused are values and go straight to `sendProblem`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly errors?: readonly FieldError[],
    /** More members of the answer, as `balance` of `balance-too-low`. */
    readonly extra?: Readonly<Record<string, unknown>>,
  ) {
    super(detail);
  }
}

export function invalidRequest(errors: readonly FieldError[]): ProblemError {
  return new ProblemError('invalid-request', detailOf(errors), errors);
}

function detailOf(errors: readonly FieldError[]): string {
  const said = errors.slice(0, ERRORS_SAID_MAX).map(({ path, rule }) => `${path}: ${rule}`);
  return errors.length > ERRORS_SAID_MAX ? `${said.join('; ')}; and more` : said.join('; ');
}

/** The answer's members; `extra` never hides one of RFC 9457. */
export function problemBody(
  code: string,
  detail: string,
  errors?: readonly FieldError[],
  extra?: Readonly<Record<string, unknown>>,
): Problem {
  const { status, title } = kindOf(code);
  return {
    ...extra,
    type: `urn:livegift:problem:${code}`,
    title,
    status,
    detail,
    code,
    ...(errors === undefined ? {} : { errors }),
  };
}

/** Refusals are named by the domain; one that this table does not know is still an answer, not a failure. */
function kindOf(code: string): ProblemKind {
  return (PROBLEMS as Record<string, ProblemKind>)[code] ?? { status: 422, title: 'Refused' };
}

/** Addresses that answer a standard EventSource. */
const EVENT_SOURCES = /^\/v1\/(leaderboards\/|rooms\/:roomId\/events$)/;

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  const { request } = reply;
  if (EVENT_SOURCES.test(request.routeOptions?.url ?? '') && putsOffStream(request, problem.status)) {
    void reply.code(200).headers(PUT_OFF_HEADERS).send(putOffStream(problem));
    return;
  }
  if (problem.status === 503) void reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  void reply.code(problem.status).header('content-type', PROBLEM_CONTENT_TYPE).send(JSON.stringify(problem));
}
