import { fieldError, type ProblemCode } from '@livegift/contracts';
import { CommandError } from '@livegift/command-handling';
import { EventStoreError } from '@livegift/event-store';
import { ReadModelError } from '@livegift/read-model';
import { HttpException } from '@nestjs/common';
import { FullError } from '../new-subjects.js';
import { ProblemError } from './problem.js';

/** Fastify's own errors, by code. What is not here goes by its status. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
};

const STATUS_CODES: Readonly<Record<number, ProblemCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  413: 'body-too-large',
  414: 'uri-too-long',
  415: 'unsupported-media-type',
  429: 'rate-limited',
  431: 'headers-too-large',
  503: 'unavailable',
};

/** Any failure as a problem. What nobody foresaw is `internal-error`, whose detail says nothing. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof FullError) return new ProblemError(error.code, error.message);
  if (error instanceof CommandError) return new ProblemError(error.code, detailOfCommand(error.code));
  if (error instanceof ReadModelError) return ofReadModel(error);
  if (error instanceof EventStoreError) return ofEventStore(error);
  return ofHttp(error) ?? new ProblemError('internal-error', 'an unexpected failure; it has been logged');
}

function detailOfCommand(code: CommandError['code']): string {
  switch (code) {
    case 'overloaded':
      return 'more commands are waiting than are admitted; nothing was done, try again with the same key';
    case 'unavailable':
      return 'the outcome is not known or the store is away; try again with the same key';
    case 'contention':
      return 'others kept writing at the same time; nothing was done, try again with the same key';
  }
}

function ofReadModel(error: ReadModelError): ProblemError {
  switch (error.code) {
    case 'rebuilding':
      return new ProblemError('read-model-rebuilding', 'the read model is being rebuilt from the log');
    case 'period-expired':
      return new ProblemError('period-expired', 'the period lies behind what is kept');
    case 'unavailable':
      return new ProblemError('unavailable', 'the read model cannot be reached');
    case 'checkpoint-foreign':
      return new ProblemError('read-model-rebuilding', 'the read model is of another store and must be rebuilt');
  }
}

function ofEventStore(error: EventStoreError): ProblemError {
  if (error.code === 'overloaded') return new ProblemError('overloaded', 'the event store is too busy');
  return new ProblemError('unavailable', 'the event store cannot answer');
}

/** Errors of Nest and of Fastify, which carry a status below 500 when the request was at fault. */
function ofHttp(error: unknown): ProblemError | null {
  const cause = error instanceof HttpException ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return null;
  const { code, statusCode } = cause as { code?: unknown; statusCode?: unknown };
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (typeof status !== 'number' || status < 400 || (status >= 500 && status !== 503)) return null;
  const known = (typeof code === 'string' ? FASTIFY_CODES[code] : undefined) ?? STATUS_CODES[status];
  if (known !== undefined) return new ProblemError(known, detailOfStatus(known, cause.message));
  return new ProblemError('invalid-request', cause.message, [fieldError('request', 'readable')]);
}

function detailOfStatus(code: ProblemCode, message: string): string {
  return code === 'not-found' ? 'there is no such route' : message;
}
