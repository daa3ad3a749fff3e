import { isUtf8 } from 'node:buffer';
import { fieldError, type FieldError, type LineAnswer } from '@livegift/contracts';
import { yieldToLoop } from '@livegift/process';
import type { FastifyReply } from 'fastify';
import { duplicateKeyError, parseJson } from './json-text.js';
import { toldIn } from './history-edge.js';
import { ProblemError } from './problem.js';
import type { CompiledValidator } from './validation/compiled-validator.js';

/** As much as a single command's body; a longer line is invalid, and so not even parsed. */
export const LINE_BYTES_MAX = 65_536;
export const NDJSON_CONTENT_TYPE = 'application/x-ndjson; charset=utf-8';
/** What is wrong with one line is said so often at the most: ten thousand lines of junk must not become a huge answer. */
const LINE_ERRORS_MAX = 5;
/** Reading lines and writing answers give others their turn after so long. */
const SLICE_MS = 5;
const NEWLINE = 0x0a;
const WHITE = new Set([NEWLINE, 0x0d, 0x20]);

const NOT_UTF8 = { errors: [fieldError('body', 'utf8')] };

export interface ReadLines<Body> {
  /** Lines that can be acted on. */
  readonly valid: readonly { readonly line: number; readonly body: Body }[];
  /** Answers of the others. */
  readonly invalid: readonly LineAnswer[];
}

/**
 * Splits a body of NDJSON, and parses and checks each line by itself. Lines count from 1; an empty line at the end is
 * none, one in between is invalid.
 * @throws ProblemError `too-many-lines`
 */
export async function readLines<Body>(
  bytes: Buffer,
  linesMax: number,
  validate: CompiledValidator,
): Promise<ReadLines<Body>> {
  const valid: { line: number; body: Body }[] = [];
  const invalid: LineAnswer[] = [];
  let length = bytes.length;
  while (length > 0 && WHITE.has(bytes[length - 1]!)) length--;
  const isText = isUtf8(bytes);
  let line = 0;
  const slices = new Slices();
  for (let start = 0; start < length;) {
    if (slices.isOver) await slices.next();
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 || newline > length ? length : newline;
    line++;
    if (line > linesMax) {
      throw new ProblemError('too-many-lines', `at most ${linesMax} lines in one request; nothing was applied`);
    }
    const read = isText || isUtf8(bytes.subarray(start, end)) ? readLine(bytes, start, end, validate) : NOT_UTF8;
    if ('errors' in read) invalid.push(invalidLine(line, read.errors));
    else valid.push({ line, body: read.body as Body });
    start = end + 1;
  }
  return { valid, invalid };
}

export function invalidLine(line: number, errors: readonly FieldError[]): LineAnswer {
  return { line, status: 'invalid', code: 'invalid-request', errors };
}

function readLine(
  bytes: Buffer,
  start: number,
  end: number,
  validate: CompiledValidator,
): { readonly body: unknown } | { readonly errors: readonly FieldError[] } {
  if (end - start > LINE_BYTES_MAX) return { errors: [fieldError('body', 'maxBytes')] };
  let body: unknown;
  try {
    const parsed = parseJson(bytes.toString('utf8', start, end));
    if ('duplicateKey' in parsed) return { errors: [duplicateKeyError(parsed.duplicateKey)] };
    body = parsed.value;
  } catch {
    return { errors: [fieldError('body', 'json')] };
  }
  const errors = validate(body);
  return errors === null ? { body } : { errors: errors.slice(0, LINE_ERRORS_MAX) };
}

/** Answers in the order of the request's lines, whichever way each was come by. */
export async function sendLines(
  reply: FastifyReply,
  answers: readonly LineAnswer[],
  invalid: readonly LineAnswer[],
): Promise<void> {
  const all = invalid.length === 0 ? answers : [...answers, ...invalid].sort((a, b) => a.line - b.line);
  const { historySpelling } = reply.server;
  let text = '';
  const slices = new Slices();
  for (const answer of all) {
    if (slices.isOver) await slices.next();
    text += `${JSON.stringify(toldIn(historySpelling, answer))}\n`;
  }
  void reply.code(200).header('content-type', NDJSON_CONTENT_TYPE).send(text);
}

/** Cuts a long loop, so that everything else has the event loop in between. */
class Slices {
  #endsMs = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() > this.#endsMs;
  }

  async next(): Promise<void> {
    await yieldToLoop();
    this.#endsMs = performance.now() + SLICE_MS;
  }
}
