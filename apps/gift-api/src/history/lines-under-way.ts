import { commandErrorOf } from '@livegift/command-handling';
import type { HistoryLine, LineAnswer } from '@livegift/contracts';
import type { HistoryClaimed } from '@livegift/domain';
import type { Position } from '@livegift/kernel';
import { FullError } from '../new-subjects.js';

export interface NumberedHistoryLine {
  readonly line: number;
  readonly body: HistoryLine;
}

/** A line on its way; `answer` says that it has got there. */
export interface LineUnderWay extends NumberedHistoryLine {
  /** Somebody has claimed its importId before. */
  existing: HistoryClaimed['data'] | null;
  answer: LineAnswer | null;
}

/** What is accepted in one request stands in the log in line order. */
export class RisingPositions {
  #highest = '';

  rises(position: Position): boolean {
    if (position <= this.#highest) return false;
    this.#highest = position;
    return true;
  }
}

/** Behind a line that must be sent again nothing is done any more. True when there is one. */
export function retryBehind(lines: readonly LineUnderWay[]): boolean {
  const first = lines.findIndex(({ answer }) => answer?.status === 'retry');
  if (first === -1) return false;
  const { code, detail } = lines[first]!.answer!;
  for (const line of lines.slice(first)) line.answer ??= retry(line, code ?? 'unavailable', detail);
  return true;
}

/** A chunk ends early before an importId that it has already, so that the second line finds the first one's claim. */
export function* chunksOf(lines: readonly LineUnderWay[], linesMax: number): Generator<readonly LineUnderWay[]> {
  let chunk: LineUnderWay[] = [];
  let importIds = new Set<string>();
  for (const line of lines) {
    if (chunk.length === linesMax || importIds.has(line.body.importId)) {
      yield chunk;
      chunk = [];
      importIds = new Set();
    }
    chunk.push(line);
    importIds.add(line.body.importId);
  }
  if (chunk.length > 0) yield chunk;
}

export function* slicesOf<Line>(lines: readonly Line[], linesMax: number): Generator<readonly Line[]> {
  for (let from = 0; from < lines.length; from += linesMax) yield lines.slice(from, from + linesMax);
}

export function refused(line: LineUnderWay, code: string): LineAnswer {
  return { line: line.line, status: 'refused', code };
}

export function retry(line: LineUnderWay, code: string, detail?: string): LineAnswer {
  const answer: LineAnswer = { line: line.line, status: 'retry', code };
  return detail === undefined ? answer : { ...answer, detail };
}

/** Of what went wrong outside, clients get the code; that the read model is full they get in words. */
export function retryAfter(line: LineUnderWay, failure: unknown): LineAnswer {
  return retry(line, commandErrorOf(failure).code, failure instanceof FullError ? failure.message : undefined);
}
