import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse';
import { StoppedError, UsageError } from '../exit-codes.js';

/** A longer row is no gift: most likely a quote that is never closed. */
export const RECORD_BYTES_MAX = 65_536;

/** One record of a CSV file as it stands there: nothing is padded, dropped or merged. */
export interface CsvRecord {
  /** The line on which it begins, from 1, as an editor counts. */
  readonly line: number;
  readonly values: readonly CsvValue[];
}

export interface CsvValue {
  /** Without spaces and tabs around it. Bytes that are not UTF-8 are shown as U+FFFD. */
  readonly text: string;
  readonly isUtf8: boolean;
}

const LINE_END = /\r\n|\r|\n/g;
const BYTE_ORDER_MARKS = [
  { name: 'UTF-8', bytes: [0xef, 0xbb, 0xbf] },
  { name: 'UTF-16', bytes: [0xff, 0xfe] },
  { name: 'UTF-16', bytes: [0xfe, 0xff] },
] as const;
const FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened in this row and never closed',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${RECORD_BYTES_MAX} bytes; most likely a quote is never closed`,
  CSV_INVALID_CLOSING_QUOTE: 'there is text after a closing quote; a quote inside a quoted value must be doubled',
  INVALID_OPENING_QUOTE: 'there is a quote inside a value that is not quoted; quote the value and double the quote',
};

/**
 * Streams the records of a CSV file (RFC 4180, UTF-8, lines that end in LF or CRLF, also mixed). Blank lines are left out.
 * @throws UsageError the file cannot be read; StoppedError it is not CSV, naming the line
 */
export async function* readCsvRecords(path: string): AsyncGenerator<CsvRecord> {
  const start = await startOfText(path);
  const lines = new LineCounter();
  const parser = parse({
    // Bytes as characters: whether they are UTF-8 is decided value by value, so that the faulty row can be named.
    encoding: 'latin1',
    record_delimiter: ['\r\n', '\n'],
    // Columns are counted by the caller, which refuses one row and reads on.
    relax_column_count: true,
    max_record_size: RECORD_BYTES_MAX,
    // Called as each record is parsed, so that the counter is right when the next one turns out to be broken.
    on_record: (fields: string[]) => [String(lines.startOf(fields)), ...fields],
  });
  const file = createReadStream(path, { start });
  file.once('error', (error) => parser.destroy(error));
  file.pipe(parser);
  try {
    for await (const [line, ...fields] of parser as AsyncIterable<string[]>) {
      const values = fields.map(valueOf);
      if (values.length > 1 || values[0]?.text !== '') yield { line: Number(line), values };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new StoppedError(`${path}, line ${lines.next}: ${FAULTS[error.code] ?? error.message}`);
  } finally {
    file.destroy();
  }
}

/** The parser counts CRLF inside quotes twice, so lines are counted here. */
class LineCounter {
  next = 1;

  startOf(fields: readonly string[]): number {
    const start = this.next;
    this.next += 1 + fields.reduce((breaks, field) => breaks + (field.match(LINE_END)?.length ?? 0), 0);
    return start;
  }
}

/** Byte offset after a byte order mark. */
async function startOfText(path: string): Promise<number> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read ${path}: ${error.code ?? error.message}`);
  });
  try {
    if (!(await file.stat()).isFile()) throw new UsageError(`${path} is not a file`);
    const { buffer } = await file.read(Buffer.alloc(3), 0, 3, 0);
    const mark = BYTE_ORDER_MARKS.find(({ bytes }) => bytes.every((byte, index) => buffer[index] === byte));
    if (mark?.name === 'UTF-16') throw new StoppedError(`${path} is UTF-16; save it as UTF-8`);
    return mark === undefined ? 0 : mark.bytes.length;
  } finally {
    await file.close();
  }
}

function valueOf(bytes: string): CsvValue {
  const buffer = Buffer.from(bytes, 'latin1');
  if (isAscii(buffer)) return { text: trimmed(bytes), isUtf8: true };
  return { text: trimmed(buffer.toString('utf8')), isUtf8: isUtf8(buffer) };
}

const trimmed = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '');
