import { problemDocument, PROBLEMS, type FieldError, type Problem, type ProblemCode } from '@livegift/contracts';
import { PUT_OFF_HEADERS, putOffStream, putsOffStream } from '@livegift/process';
import type { FastifyReply } from 'fastify';

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
  const said = errors.slice(0, ERRORS_SAID_MAX).map(({ message }) => message);
  return errors.length > ERRORS_SAID_MAX ? `${said.join('; ')}; and more` : said.join('; ');
}

/** Refusals are named by the domain; one that the list does not know is still an answer, not a failure. */
export function problemBody(
  code: string,
  detail: string,
  errors?: readonly FieldError[],
  extra?: Readonly<Record<string, unknown>>,
): Problem {
  if (isProblemCode(code)) return problemDocument(code, detail, errors, extra);
  return { ...problemDocument('invalid-request', detail, errors, extra), ...REFUSED, code };
}

const REFUSED = { type: 'about:blank', status: 422, title: 'Refused' };

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

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
