import type { LineAnswer } from '@livegift/contracts';
import { StoppedError } from '../exit-codes.js';
import type { OutgoingLine } from './chunks.js';

/** Attempts in a row that settle no line, before the import stops. With back-off that is about two minutes. */
export const FRUITLESS_ATTEMPTS_MAX = 10;
/** An engine that has never answered is most likely not there: after this time the import stops. */
export const FIRST_ANSWER_MS_MAX = 10_000;
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 30_000;
const SHOWN_TEXT_MAX = 300;

/** A request's answer, as far as sending needs it. */
export interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** What sending needs from outside. */
export interface Outside {
  /** The engine's URL, for messages. */
  readonly address: string;
  /** Posts one NDJSON body. @throws when no answer came */
  post(body: string, signal: AbortSignal): Promise<Answered>;
  /** Returns early when the signal is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  elapsedMs(): number;
  /** A note for the user, who would otherwise wait without knowing why. */
  say(note: string): void;
}

/** Sends chunks to one engine, one after the other. */
export class ChunkSender {
  readonly #startedMs: number;
  #hasAnswered = false;

  constructor(
    private readonly outside: Outside,
    private readonly signal: AbortSignal,
  ) {
    this.#startedMs = outside.elapsedMs();
  }

  /**
   * Sends a chunk until every line of it is settled: lines that are to be sent again, a busy engine and a broken connection
   * are waited for and repeated, which is harmless, since an importId counts once.
   * @returns one answer for each line, in order; lines that were not settled when the signal was aborted are `retry`
   * @throws StoppedError the engine stayed away, or does not take this at all
   */
  async send(chunk: readonly OutgoingLine[]): Promise<readonly LineAnswer[]> {
    const settled = new Map<OutgoingLine, LineAnswer>();
    let fruitless = 0;
    while (settled.size < chunk.length && !this.signal.aborted) {
      const open = chunk.filter((line) => !settled.has(line));
      const attempt = await this.#attempt(open);
      for (const [index, answer] of attempt.answers.entries()) {
        const line = open[index];
        if (line !== undefined && answer.status !== 'retry') settled.set(line, answer);
      }
      const left = chunk.length - settled.size;
      if (left === 0 || this.signal.aborted) break;
      fruitless = left < open.length ? 0 : fruitless + 1;
      this.#assertHope(fruitless, attempt.trouble);
      const ms = waitMs(fruitless, attempt.retryAfter);
      if (fruitless > 0) this.outside.say(`${attempt.trouble}; trying again in ${(ms / 1_000).toFixed(1)} s`);
      await this.outside.pause(ms, this.signal);
    }
    return chunk.map((line, index) => settled.get(line) ?? { line: index + 1, status: 'retry' });
  }

  #assertHope(fruitless: number, trouble: string): void {
    const waitedMs = this.outside.elapsedMs() - this.#startedMs;
    if (!this.#hasAnswered && waitedMs >= FIRST_ANSWER_MS_MAX) {
      throw new StoppedError(
        `${trouble}; gave up after ${Math.round(waitedMs / 1_000)} s. Is the engine running there?`,
      );
    }
    if (fruitless < FRUITLESS_ATTEMPTS_MAX) return;
    throw new StoppedError(`${trouble}; gave up after ${fruitless} attempts. Run the same command again to go on.`);
  }

  async #attempt(open: readonly OutgoingLine[]): Promise<Attempt> {
    const { address } = this.outside;
    let answered: Answered;
    try {
      answered = await this.outside.post(open.map((line) => `${line.json}\n`).join(''), this.signal);
    } catch (error) {
      return { answers: [], retryAfter: null, trouble: `${address} did not answer (${reason(error)})` };
    }
    this.#hasAnswered = true;
    const { status, retryAfter, text } = answered;
    if (status === 200) return { answers: parseAnswers(text), retryAfter, trouble: `${address} left lines open` };
    const trouble = `${address} answered ${status} ${text.slice(0, SHOWN_TEXT_MAX)}`;
    if (!REPEATABLE_STATUSES.includes(status)) throw new StoppedError(trouble);
    return { answers: [], retryAfter, trouble };
  }
}

interface Attempt {
  readonly answers: readonly LineAnswer[];
  readonly retryAfter: string | null;
  readonly trouble: string;
}

const REPEATABLE_STATUSES = [408, 409, 425, 429, 500, 502, 503, 504];

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
