import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parse } from 'csv-parse';
import { UsageError, StoppedError } from '../exit-codes.js';

export const HISTORY_COLUMNS = ['at', 'room_id', 'creator_id', 'viewer_id', 'coins'] as const;
/** A record longer than this is no gift: most likely a quote that is never closed. */
const RECORD_BYTES_MAX = 65_536;

/** One row of the file, as text: the engine is the one that says what is valid. A missing column is undefined. */
export interface HistoryRow {
  /** Line of the file on which the row ends, from 1. */
  readonly fileLine: number;
  readonly at: string | undefined;
  readonly roomId: string | undefined;
  readonly creatorId: string | undefined;
  readonly viewerId: string | undefined;
  readonly coins: string | undefined;
}

/**
 * Streams the rows of a CSV file with a header, in the file's order; further columns are ignored.
 * @throws UsageError the file cannot be read, or lacks a column; StoppedError it is not CSV from some line on
 */
export async function* readHistoryRows(path: string): AsyncGenerator<HistoryRow> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read ${path}: ${error.code ?? error.message}`);
  });
  if (!info.isFile()) throw new UsageError(`${path} is not a file`);
  let hasHeader = false;
  const parser = parse({
    bom: true,
    columns: (header: string[]) => {
      hasHeader = true;
      return checkedHeader(path, header);
    },
    info: true,
    max_record_size: RECORD_BYTES_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  const file = createReadStream(path);
  file.once('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let rows = 0;
  try {
    for await (const parsed of parser as AsyncIterable<ParsedRecord>) {
      rows += 1;
      yield toRow(parsed);
    }
    // An empty file is no file of gifts either: most likely it was not written to its end.
    if (!hasHeader) checkedHeader(path, []);
  } catch (error) {
    if (!isCsvError(error)) throw error;
    throw new StoppedError(`${path}, after row ${rows}: ${error.message}`);
  } finally {
    file.destroy();
  }
}

interface ParsedRecord {
  readonly record: Readonly<Record<string, string | undefined>>;
  readonly info: { readonly lines: number };
}

function toRow({ record, info }: ParsedRecord): HistoryRow {
  return {
    fileLine: info.lines,
    at: record['at'],
    roomId: record['room_id'],
    creatorId: record['creator_id'],
    viewerId: record['viewer_id'],
    coins: record['coins'],
  };
}

function checkedHeader(path: string, header: readonly string[]): string[] {
  const missing = HISTORY_COLUMNS.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new UsageError(`${path} has no column ${missing.join(', ')}`);
  return [...header];
}

function isCsvError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_');
}
