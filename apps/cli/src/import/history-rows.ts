import { COMMAND_COINS_MAX, isId, parseInstant } from '@livegift/kernel';
import { StoppedError } from '../exit-codes.js';
import { readCsvRecords, type CsvRecord, type CsvValue } from './csv-records.js';

export const HISTORY_COLUMNS = ['at', 'room_id', 'creator_id', 'viewer_id', 'coins'] as const;
export type HistoryColumn = (typeof HISTORY_COLUMNS)[number];
const SHOWN_CHARACTERS_MAX = 40;

/** One gift of the file, with its values in their one canonical spelling. */
export interface HistoryRow {
  /** Line of the file on which the row begins, from 1. */
  readonly fileLine: number;
  readonly at: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly coins: number;
}

/** A row that is not understood, and why. It is never sent. */
export interface RefusedRow {
  readonly fileLine: number;
  readonly faults: readonly RowFault[];
}

/** `column` and `value` (shortened) are null when the fault is of the whole row. */
export interface RowFault {
  readonly column: string | null;
  readonly value: string | null;
  readonly rule: string;
  readonly message: string;
}

export type FileRow = HistoryRow | RefusedRow;

export const isRefused = (row: FileRow): row is RefusedRow => 'faults' in row;

/**
 * Streams the rows of a CSV file with a header, in the file's order. A row is understood exactly or refused: a value is
 * never guessed, and a row with a column too many or too few never moves values into other columns. Columns with other
 * names are ignored; `onHeader` gets their names.
 * @throws UsageError the file cannot be read; StoppedError its header is not one of gifts, or it is not CSV
 */
export async function* readHistoryRows(
  path: string,
  onHeader: (ignoredColumns: readonly string[]) => void = () => {},
): AsyncGenerator<FileRow> {
  let header: Header | null = null;
  for await (const record of readCsvRecords(path)) {
    if (header !== null) {
      yield rowOf(record, header);
      continue;
    }
    header = checkedHeader(path, record);
    onHeader(header.names.filter((name) => !isHistoryColumn(name)));
  }
  // An empty file is no file of gifts either: most likely it was not written to its end.
  if (header === null) throw new StoppedError(`${path} is empty: it has no header`);
}

interface Header {
  readonly names: readonly string[];
  readonly indexOf: Readonly<Record<HistoryColumn, number>>;
}

const isHistoryColumn = (name: string): boolean => (HISTORY_COLUMNS as readonly string[]).includes(name);

function checkedHeader(path: string, { line, values }: CsvRecord): Header {
  const names = values.map(({ text }) => text);
  const refuse = (what: string): never => {
    throw new StoppedError(`${path}, line ${line}: ${what}`);
  };
  const garbled = values.find((value) => !value.isUtf8);
  if (garbled !== undefined) refuse(`the column name ${shown(garbled.text)} is not UTF-8`);
  const nameless = names.indexOf('');
  if (nameless !== -1) refuse(`column ${nameless + 1} has no name`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`two columns have the name ${shown(twice)}`);
  const missing = HISTORY_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) refuse(`the header has no column ${missing.join(', ')}`);
  const places = HISTORY_COLUMNS.map((column) => [column, names.indexOf(column)] as const);
  return { names, indexOf: Object.fromEntries(places) as Record<HistoryColumn, number> };
}

function rowOf({ line, values }: CsvRecord, { names, indexOf }: Header): FileRow {
  if (values.length !== names.length) {
    const message = `the row has ${values.length} columns, the header has ${names.length}`;
    return { fileLine: line, faults: [{ column: null, value: null, rule: 'columnCount', message }] };
  }
  const garbled = values.flatMap((value, index) => (value.isUtf8 ? [] : [garbledFault(names[index]!, value)]));
  const text = (column: HistoryColumn): string => values[indexOf[column]]!.text;
  const faults = [...garbled, ...HISTORY_COLUMNS.flatMap((column) => faultOf(column, text(column)) ?? [])];
  if (faults.length > 0) return { fileLine: line, faults: firstOfEachColumn(faults) };
  return {
    fileLine: line,
    at: canonicalInstant(text('at')),
    roomId: text('room_id'),
    creatorId: text('creator_id'),
    viewerId: text('viewer_id'),
    coins: Number(text('coins')),
  };
}

interface Rule {
  readonly name: string;
  readonly message: string;
  readonly passes: (text: string) => boolean;
}

const ID: Rule = { name: 'isId', message: 'must be an id: 1 to 64 of A-Z a-z 0-9 . _ -', passes: isId };
const RULES: Readonly<Record<HistoryColumn, Rule>> = {
  at: {
    name: 'isInstant',
    message: 'must be a time in UTC, such as 2016-07-01T01:16:53Z',
    passes: (text) => parseInstant(text) !== null,
  },
  room_id: ID,
  creator_id: ID,
  viewer_id: ID,
  coins: {
    name: 'isInt',
    message: `must be a whole number from 1 to ${COMMAND_COINS_MAX}, in digits alone`,
    passes: (text) => /^[1-9]\d{0,9}$/.test(text) && Number(text) <= COMMAND_COINS_MAX,
  },
};

function faultOf(column: HistoryColumn, text: string): RowFault | null {
  const { name, message, passes }: Rule = RULES[column];
  return passes(text) ? null : { column, value: shown(text), rule: name, message };
}

function garbledFault(column: string, { text }: CsvValue): RowFault {
  return { column, value: shown(text), rule: 'isUtf8', message: 'must be UTF-8' };
}

function firstOfEachColumn(faults: readonly RowFault[]): readonly RowFault[] {
  return faults.filter(({ column }, index) => faults.findIndex((fault) => fault.column === column) === index);
}

/** In quotes, without control characters, shortened: a value of the file as a message may carry it. */
export function shown(text: string): string {
  const characters = Array.from(text);
  const isShort = characters.length <= SHOWN_CHARACTERS_MAX;
  return JSON.stringify(isShort ? text : `${characters.slice(0, SHOWN_CHARACTERS_MAX).join('')}…`);
}

/**
 * One spelling for each instant: no fraction for a whole second, else three digits, and more only where they say more.
 * `12:00:00.000Z` and `12:00:00Z` are one time, and so are `.5Z` and `.500Z`.
 */
export function canonicalInstant(at: string): string {
  const [seconds, fraction = ''] = at.slice(0, -1).split('.');
  const digits = fraction.replace(/0+$/, '');
  return digits === '' ? `${seconds}Z` : `${seconds}.${digits.padEnd(3, '0')}Z`;
}
