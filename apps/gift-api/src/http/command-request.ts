import { isId, type Refused } from '@livegift/kernel';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import { PROBLEMS, fieldError, pathOf, type FieldError } from '@livegift/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IDEMPOTENCY_KEY_PATTERN } from './bodies/bulk-gift-line.body.js';
import { toldIn } from './history-edge.js';
import { invalidRequest, problemBody, ProblemError, sendProblem } from './problem.js';
import type { CompiledValidator } from './validation/compiled-validator.js';

const GIFT_ID = /^[A-Za-z0-9._-]{1,97}$/;
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

export interface CommandRules {
  readonly key: 'required' | 'optional';
  /** Null: the command takes no body (an empty object is none). */
  readonly body: CompiledValidator | null;
}

/**
 * Checks everything about a command's request that makes it a 400, all at once: path, query, key, body.
 * @throws ProblemError `invalid-request`, `idempotency-key-required`
 */
export function readCommand(request: FastifyRequest, rules: CommandRules): CommandContext {
  const errors: FieldError[] = [];
  checkPath(request, errors);
  checkNoQuery(request, errors);
  const idempotencyKey = readKey(request, errors);
  const found = rules.body === null ? bodyIsAbsent(request.body) : rules.body(request.body);
  if (found !== null) errors.push(...found);
  if (errors.length > 0) throw invalidRequest(errors);
  if (idempotencyKey === null && rules.key === 'required') {
    throw new ProblemError('idempotency-key-required', 'send an Idempotency-Key header, so that a repeat is safe', [
      fieldError('header.idempotency-key', 'isDefined'),
    ]);
  }
  return { idempotencyKey, correlationId: request.id };
}

/** Every parameter in this API's addresses is an id; a gift's is a viewer's with a number behind. */
export function checkPath(request: FastifyRequest, errors: FieldError[]): void {
  const params = request.params as Readonly<Record<string, string>>;
  for (const name in params) {
    const isRight = name === 'giftId' ? GIFT_ID.test(params[name] ?? '') : isId(params[name]);
    if (!isRight) errors.push(fieldError(`path.${name}`, 'isId'));
  }
}

function checkNoQuery(request: FastifyRequest, errors: FieldError[]): void {
  const query = request.query as Readonly<Record<string, unknown>>;
  for (const name in query) errors.push(fieldError(pathOf('query', name), 'unknownParameter'));
}

function readKey(request: FastifyRequest, errors: FieldError[]): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  const isOne = typeof key === 'string' && IDEMPOTENCY_KEY_PATTERN.test(key) && !isGivenTwice(request, key);
  if (isOne) return key;
  errors.push(fieldError('header.idempotency-key', 'isKey'));
  return null;
}

/** Node joins repeated headers with a comma: which of two keys was meant, nobody can say. */
const isGivenTwice = ({ raw }: FastifyRequest, key: string): boolean =>
  key.includes(', ') && (raw.headersDistinct['idempotency-key']?.length ?? 0) > 1;

function bodyIsAbsent(body: unknown): readonly FieldError[] | null {
  if (body === undefined || body === null) return null;
  const isEmpty = typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0;
  return isEmpty ? null : [fieldError('body', 'isEmpty')];
}

/** Answers what a command came to: 201 where something new came to be, 200 otherwise, or its refusal. */
export function sendOutcome(reply: FastifyReply, outcome: CommandOutcome<unknown>): void {
  if ('refused' in outcome) {
    sendRefusal(reply, outcome);
    return;
  }
  if (outcome.replayed) void reply.header('idempotency-replayed', 'true');
  void reply
    .code(outcome.created ? 201 : 200)
    .header('content-type', JSON_CONTENT_TYPE)
    .send(JSON.stringify(toldIn(reply.server.historySpelling, outcome.answer)));
}

function sendRefusal(reply: FastifyReply, { refused, details }: Refused): void {
  const title = (PROBLEMS as Record<string, { title: string }>)[refused]?.title ?? 'the command was refused';
  sendProblem(reply, problemBody(refused, title, undefined, details));
}
