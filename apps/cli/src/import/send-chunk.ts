import type { LineAnswer } from '@livegift/contracts';
import { StoppedError } from '../exit-codes.js';
import type { OutgoingLine } from './chunks.js';

/** Attempts in a row that settle no line, before the import stops. With back-off that is about two minutes. */
export const FRUITLESS_ATTEMPTS_MAX = 10;
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 30_000;
const ANSWER_MS_MAX = 120_000;

/** A request's answer, as far as sending needs it. */
export interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** What sending needs from outside. */
export interface Outside {
  /** Posts one NDJSON body. @throws when no answer came */
  post(body: string): Promise<Answered>;
  pause(ms: number): Promise<void>;
}

/** The history door of a running engine. */
export function historyApi(api: string): Outside {
  const url = new URL('/v1/history/import', api);
  return {
    post: async (body) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/**
 * Sends a chunk until every line of it is settled: lines that are to be sent again, a busy engine and a broken connection
 * are waited for and repeated, which is harmless, since an importId counts once.
 * @returns one answer for each line, in order; none with the status `retry`
 * @throws StoppedError the engine stayed away, or does not take this at all
 */
export async function sendChunk(chunk: readonly OutgoingLine[], outside: Outside): Promise<readonly LineAnswer[]> {
  const settled = new Map<OutgoingLine, LineAnswer>();
  let fruitless = 0;
  for (;;) {
    const open = chunk.filter((line) => !settled.has(line));
    if (open.length === 0) return chunk.map((line) => settled.get(line)!);
    const attempt = await attemptOnce(open, outside);
    for (const [index, answer] of attempt.answers.entries()) {
      const line = open[index];
      if (line !== undefined && answer.status !== 'retry') settled.set(line, answer);
    }
    const left = chunk.length - settled.size;
    if (left === 0) continue;
    fruitless = left < open.length ? 0 : fruitless + 1;
    if (fruitless >= FRUITLESS_ATTEMPTS_MAX) {
      throw new StoppedError(
        `${attempt.trouble}; gave up after ${fruitless} attempts. Run the same command again to go on.`,
      );
    }
    await outside.pause(waitMs(fruitless, attempt.retryAfter));
  }
}

interface Attempt {
  readonly answers: readonly LineAnswer[];
  readonly retryAfter: string | null;
  readonly trouble: string;
}

const REPEATABLE_STATUSES = [408, 409, 425, 429, 500, 502, 503, 504];

async function attemptOnce(open: readonly OutgoingLine[], outside: Outside): Promise<Attempt> {
  let answered: Answered;
  try {
    answered = await outside.post(open.map((line) => `${line.json}\n`).join(''));
  } catch (error) {
    return { answers: [], retryAfter: null, trouble: `the engine did not answer (${reason(error)})` };
  }
  const { status, retryAfter, text } = answered;
  if (status === 200) return { answers: parseAnswers(text), retryAfter, trouble: 'lines stayed open' };
  const trouble = `the engine answered ${status} ${text.slice(0, 300)}`;
  if (!REPEATABLE_STATUSES.includes(status)) throw new StoppedError(trouble);
  return { answers: [], retryAfter, trouble };
}

/** The answers as far as they are whole: what a broken connection cut off is sent again. */
function parseAnswers(text: string): readonly LineAnswer[] {
  const answers: LineAnswer[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      answers.push(JSON.parse(line) as LineAnswer);
    } catch {
      break;
    }
  }
  return answers;
}

function waitMs(fruitless: number, retryAfter: string | null): number {
  const asked = retryAfter !== null && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : 0;
  const backoff = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** fruitless);
  return Math.min(BACKOFF_MS_MAX, Math.max(asked, backoff)) * (0.75 + Math.random() / 4);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
