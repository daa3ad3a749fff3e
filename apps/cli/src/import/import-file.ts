import type { LineAnswer } from '@livegift/contracts';
import { StoppedError } from '../exit-codes.js';
import type { Progress } from '../progress.js';
import { chunked, type OutgoingLine } from './chunks.js';
import { isRefused, readHistoryRows, type HistoryRow, type RefusedRow } from './history-rows.js';
import { RowOccurrences } from './row-occurrences.js';
import { ChunkSender, type Outside } from './send-chunk.js';

/** A row that the engine did not take, and why. */
export interface RowProblem {
  readonly row: HistoryRow;
  readonly status: 'refused' | 'invalid';
  readonly code: string | null;
  /** In the engine's words. */
  readonly detail: string | null;
  readonly errors: LineAnswer['errors'];
}

export interface ImportSummary {
  readonly file: string;
  readonly rows: number;
  readonly accepted: number;
  readonly replayed: number;
  readonly refused: number;
  /** Rows that break a rule; those that the file's reader refused are among them. */
  readonly invalid: number;
  /** False: the import stopped before the end of the file. */
  readonly complete: boolean;
  /** Position of the last line that the engine named; a query with `after=` this sees the whole file. */
  readonly position: string | null;
}

/** Where an import reports to while it runs. */
export interface ImportReport {
  readonly progress: Progress;
  /** Columns that the import does not use. */
  ignored(columns: readonly string[]): void;
  /** A row that was not sent. */
  unreadable(row: RefusedRow): void;
  /** A row that was sent and not taken. */
  problem(problem: RowProblem): void;
  /** The engine stayed away, so the import ended early. */
  stopped(reason: StoppedError): void;
}

/**
 * Sends the whole file, row by row in its order, one chunk after the other, so that history has the file's order. The
 * file is read once before anything is sent, so a file that is not CSV to its end changes nothing.
 * @throws UsageError, StoppedError the file cannot be used; nothing was sent
 */
export async function importFile(
  path: string,
  outside: Outside,
  report: ImportReport,
  signal: AbortSignal,
): Promise<ImportSummary> {
  const survey = await surveyFile(path, (columns) => report.ignored(columns));
  const tally = new Tally(path);
  const sender = new ChunkSender(outside, signal);
  report.progress.start(survey.rows);
  try {
    const lines = outgoingLines(path, new RowOccurrences(survey.inOrderOfTime), (row) => {
      tally.unreadable();
      report.unreadable(row);
    });
    for await (const chunk of chunked(lines)) {
      if (signal.aborted) break;
      tally.settled(chunk, await sender.send(chunk), report);
      report.progress.update(tally.rows, tally.note);
    }
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    report.stopped(error);
    return tally.summary(false);
  } finally {
    report.progress.stop();
  }
  return tally.summary(!signal.aborted);
}

class Tally {
  rows = 0;
  readonly #counts = { accepted: 0, replayed: 0, refused: 0, invalid: 0 };
  #position: string | null = null;

  constructor(private readonly file: string) {}

  unreadable(): void {
    this.rows += 1;
    this.#counts.invalid += 1;
  }

  settled(chunk: readonly OutgoingLine[], answers: readonly LineAnswer[], report: ImportReport): void {
    for (const [index, { status, code, detail, errors, position }] of answers.entries()) {
      if (status === 'retry') continue;
      this.rows += 1;
      this.#counts[status] += 1;
      if (position !== undefined && (this.#position === null || position > this.#position)) this.#position = position;
      if (status !== 'refused' && status !== 'invalid') continue;
      report.problem({ row: chunk[index]!.row, status, code: code ?? null, detail: detail ?? null, errors });
    }
  }

  get note(): string {
    const { accepted, replayed, refused, invalid } = this.#counts;
    return `${accepted} new, ${replayed} known, ${refused + invalid} not taken`;
  }

  summary(complete: boolean): ImportSummary {
    return { file: this.file, rows: this.rows, ...this.#counts, complete, position: this.#position };
  }
}

/** A first, quick reading: how many rows there are, and whether they stand in order of time. */
export async function surveyFile(
  path: string,
  onHeader?: (ignoredColumns: readonly string[]) => void,
): Promise<{ readonly rows: number; readonly inOrderOfTime: boolean }> {
  let rows = 0;
  let inOrderOfTime = true;
  let last = '';
  for await (const row of readHistoryRows(path, onHeader)) {
    rows += 1;
    if (isRefused(row)) continue;
    // Without its Z a whole second sorts before its fractions.
    const at = row.at.slice(0, -1);
    if (at < last) inOrderOfTime = false;
    last = at;
  }
  return { rows, inOrderOfTime };
}

async function* outgoingLines(
  path: string,
  occurrences: RowOccurrences,
  onRefused: (row: RefusedRow) => void,
): AsyncGenerator<OutgoingLine> {
  for await (const row of readHistoryRows(path)) {
    if (isRefused(row)) onRefused(row);
    else yield { row, json: historyLineJson(row, occurrences.importId(row)) };
  }
}

/** The line as the API takes it. */
export function historyLineJson({ at, roomId, creatorId, viewerId, coins }: HistoryRow, importId: string): string {
  return JSON.stringify({ importId, at, roomId, creatorId, viewerId, coins });
}
