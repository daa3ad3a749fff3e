import type { LineAnswer } from '@livegift/contracts';
import type { Progress } from '../progress.js';
import { chunked, type OutgoingLine } from './chunks.js';
import { readHistoryRows, type HistoryRow } from './history-rows.js';
import { RowOccurrences } from './row-occurrences.js';
import { sendChunk, type Outside } from './send-chunk.js';

/** A row that did not enter history, and why. */
export interface RowProblem {
  readonly fileLine: number;
  readonly status: 'refused' | 'invalid';
  readonly code: string | null;
  readonly errors: LineAnswer['errors'];
}

export interface ImportSummary {
  readonly file: string;
  readonly rows: number;
  readonly accepted: number;
  readonly replayed: number;
  readonly refused: number;
  readonly invalid: number;
  /** Position of the last line that the engine named; a query with `after=` this sees the whole file. */
  readonly position: string | null;
}

/** Sends the whole file, row by row in its order, one chunk after the other, so that history stands in the file's order. */
export async function importFile(
  path: string,
  outside: Outside,
  progress: Progress,
  onProblem: (problem: RowProblem) => void,
): Promise<ImportSummary> {
  const survey = await surveyFile(path);
  const counts = { accepted: 0, replayed: 0, refused: 0, invalid: 0 };
  let rows = 0;
  let position: string | null = null;
  progress.start(survey.rows);
  try {
    for await (const chunk of chunked(outgoingLines(path, new RowOccurrences(survey.inOrderOfTime)))) {
      const answers = await sendChunk(chunk, outside);
      for (const [index, { status, code, errors, position: at }] of answers.entries()) {
        if (status === 'retry') continue;
        counts[status] += 1;
        if (at !== undefined && (position === null || at > position)) position = at;
        if (status !== 'refused' && status !== 'invalid') continue;
        onProblem({ fileLine: chunk[index]!.fileLine, status, code: code ?? null, errors });
      }
      rows += chunk.length;
      progress.update(
        rows,
        `${counts.accepted} new, ${counts.replayed} known, ${counts.refused + counts.invalid} not taken`,
      );
    }
  } finally {
    progress.stop();
  }
  return { file: path, rows, ...counts, position };
}

/** A first, quick reading: how many rows there are, and whether they stand in order of time. */
export async function surveyFile(path: string): Promise<{ readonly rows: number; readonly inOrderOfTime: boolean }> {
  let rows = 0;
  let inOrderOfTime = true;
  let last = '';
  for await (const row of readHistoryRows(path)) {
    rows += 1;
    if (row.at === undefined || row.at < last) inOrderOfTime = false;
    last = row.at ?? last;
  }
  return { rows, inOrderOfTime };
}

async function* outgoingLines(path: string, occurrences: RowOccurrences): AsyncGenerator<OutgoingLine> {
  for await (const row of readHistoryRows(path)) {
    yield { fileLine: row.fileLine, json: historyLineJson(row, occurrences.importId(row)) };
  }
}

/** The line as the API takes it. What is no integer is sent as it stands, for the engine to name what is wrong. */
export function historyLineJson(row: HistoryRow, importId: string): string {
  const coins = row.coins !== undefined && /^\d{1,15}$/.test(row.coins) ? Number(row.coins) : row.coins;
  const { at, roomId, creatorId, viewerId } = row;
  return JSON.stringify({ importId, at, roomId, creatorId, viewerId, coins });
}
