import { nameOf, type FieldError } from '@livegift/contracts';
import { shown, type HistoryRow, type RefusedRow } from './history-rows.js';
import type { RowProblem } from './import-file.js';

/** Where a field of the API's line stands in the file. */
const COLUMN_OF: Readonly<Record<string, readonly [column: string, field: keyof HistoryRow]>> = {
  at: ['at', 'at'],
  roomId: ['room_id', 'roomId'],
  creatorId: ['creator_id', 'creatorId'],
  viewerId: ['viewer_id', 'viewerId'],
  coins: ['coins', 'coins'],
};

/** One line for each fault of a row that was not sent. */
export function sentencesOf({ fileLine, faults }: RefusedRow): readonly string[] {
  return faults.map(({ column, value, rule, message }) =>
    [`line ${fileLine}: invalid`, column === null ? null : `${column} ${value}`, `${message} (${rule})`]
      .filter((part) => part !== null)
      .join(', '),
  );
}

/** An engine of an older version sends the rule alone. */
type Fault = Omit<FieldError, 'message'> & Partial<FieldError>;

/** What the engine said about a row that it did not take. */
export function sentenceOf({ row, status, code, detail, errors }: RowProblem): string {
  const rules = (errors ?? []).map(({ path, rule, message }: Fault) =>
    [placeOf(path, row), message?.replace(`${nameOf(path)} `, ''), `(${rule})`]
      .filter((part) => part !== undefined)
      .join(' '),
  );
  return [`line ${row.fileLine}: ${status}`, code, detail, ...rules].filter((part) => part !== null).join(', ');
}

function placeOf(path: string, row: HistoryRow): string {
  const [column, field] = COLUMN_OF[path.replace(/^body\./, '')] ?? [];
  return column === undefined || field === undefined ? path : `${column} ${shown(String(row[field]))}`;
}
