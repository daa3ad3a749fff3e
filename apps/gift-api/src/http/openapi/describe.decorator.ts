import { ID_PATTERN } from '@livegift/kernel';
import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { problemDocument, PROBLEMS, type ProblemCode } from '@livegift/contracts';
import type { BodyClass } from '../validation/nested.decorator.js';
import { listOf, refTo } from './answer-schemas.js';
import { fieldsOf, schemaOfBody, type JsonSchema } from './body-schema.js';
import { ANSWER_EXAMPLES, type AnswerName } from './examples.js';

type Decorator = MethodDecorator;

export interface RouteDescription {
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly body?: { readonly of: BodyClass; readonly example: object; readonly lines?: boolean };
  readonly query?: BodyClass;
  /** Of a command: whether it needs its key. Absent: not a command. */
  readonly key?: 'required' | 'optional';
  /** The status of each good answer, and what it holds. */
  readonly answers: Readonly<Record<number, AnswerOf>>;
  /** Codes of its own; those that every route of its kind can give are added. */
  readonly problems: readonly ProblemCode[];
}

export type AnswerOf =
  | { readonly one: AnswerName; readonly says: string; readonly also?: string }
  | { readonly list: AnswerName; readonly says: string }
  | { readonly items: AnswerName; readonly says: string }
  | { readonly lines: AnswerName; readonly says: string };

const EVERY_ROUTE: readonly ProblemCode[] = ['invalid-request', 'overloaded', 'unavailable'];
const EVERY_BODY: readonly ProblemCode[] = ['body-too-large', 'unsupported-media-type'];

/** Everything about a route that the OpenAPI document says, in one place beside the route. */
export function Describe(route: RouteDescription): MethodDecorator {
  const problems = [...new Set([...EVERY_ROUTE, ...(route.body === undefined ? [] : EVERY_BODY), ...route.problems])];
  return applyDecorators(
    ApiTags(route.tag),
    ApiOperation({ summary: route.summary, ...(route.description && { description: route.description }) }),
    ...bodyOf(route),
    ...(route.query === undefined ? [] : fieldsOf(route.query).map(({ name, schema }) => queryOf(name, schema))),
    ...(route.key === undefined ? [] : [keyHeader(route.key)]),
    ...Object.entries(route.answers).map(([status, answer]) => answerOf(Number(status), answer, route.key)),
    ...problemsByStatus(problems).map(([status, codes]) => problemOf(status, codes)),
  );
}

/** An id in the address. */
export const PathId = (name: string, example: string, pattern = ID_PATTERN.source): MethodDecorator =>
  ApiParam({ name, schema: { type: 'string', pattern, examples: [example] } });

function bodyOf({ body }: RouteDescription): Decorator[] {
  if (body === undefined) return [];
  const schema = schemaOfBody(body.of) as never;
  if (body.lines !== true) return [ApiBody({ schema, examples: { example: { value: body.example } } })];
  const examples = { example: { value: `${JSON.stringify(body.example)}\n` } };
  return [ApiConsumes('application/x-ndjson'), ApiBody({ description: 'One JSON object a line.', schema, examples })];
}

function queryOf(name: string, schema: JsonSchema): Decorator {
  return ApiQuery({ name, required: false, schema: schema as never });
}

function keyHeader(key: 'required' | 'optional'): Decorator {
  return ApiHeader({
    name: 'Idempotency-Key',
    required: key === 'required',
    description:
      '1 to 128 printable ASCII characters. The same key and body again is answered the same and does nothing. ' +
      'Remembered for at least 24 hours; of a wallet that takes more than 20,000 keys in that time, the newest 20,000.',
    schema: { type: 'string', pattern: '^[\\x20-\\x7e]{1,128}$' },
  });
}

function answerOf(status: number, answer: AnswerOf, key: RouteDescription['key']): Decorator {
  const headers =
    key === undefined
      ? {}
      : { 'Idempotency-Replayed': { description: '`true` on a replay.', schema: { type: 'string' as const } } };
  return ApiResponse({ status, description: answer.says, headers, content: contentOf(answer) } as never);
}

function contentOf(answer: AnswerOf): object {
  if ('lines' in answer) {
    const example = `${JSON.stringify(ANSWER_EXAMPLES[answer.lines])}\n`;
    return { 'application/x-ndjson': { schema: refTo(answer.lines), example } };
  }
  if ('list' in answer) {
    const example = { items: [ANSWER_EXAMPLES[answer.list]], nextCursor: null };
    return { 'application/json': { schema: listOf(answer.list), example } };
  }
  if ('items' in answer) {
    const schema = {
      type: 'object',
      required: ['items'],
      properties: { items: { type: 'array', items: refTo(answer.items) } },
    };
    return { 'application/json': { schema, example: { items: [ANSWER_EXAMPLES[answer.items]] } } };
  }
  const example = ANSWER_EXAMPLES[answer.one];
  const json = { 'application/json': { schema: refTo(answer.one), example } };
  if (answer.also !== 'text/event-stream') return json;
  const events = `event: board\ndata: ${JSON.stringify(example)}\n\n`;
  return { ...json, 'text/event-stream': { schema: { type: 'string' }, example: events } };
}

function problemsByStatus(codes: readonly ProblemCode[]): readonly (readonly [number, readonly ProblemCode[]])[] {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  return statuses.map((status) => [status, codes.filter((code) => PROBLEMS[code].status === status)] as const);
}

function problemOf(status: number, codes: readonly ProblemCode[]): Decorator {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: problemDocument(code, PROBLEMS[code].title) }]),
  );
  const headers =
    status === 503 ? { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'string' as const } } } : {};
  return ApiResponse({
    status,
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers,
    content: { 'application/problem+json': { schema: refTo('Problem'), examples } },
  } as never);
}
