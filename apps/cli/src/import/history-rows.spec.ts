import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalInstant, isRefused, readHistoryRows, type FileRow } from './history-rows.js';
import { sentencesOf } from './row-sentences.js';

const CASES = join(__dirname, '../../../../test/fixtures/import');
const HEADER = 'at,room_id,creator_id,viewer_id,coins';
const GOOD = '2016-07-01T01:16:53Z,r1,c1,v1,5';

describe('the rows of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegift-rows-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const rowsOfFile = async (path: string): Promise<FileRow[]> => {
    const rows: FileRow[] = [];
    for await (const row of readHistoryRows(path)) rows.push(row);
    return rows;
  };
  const rowsOf = async (content: string | Buffer): Promise<FileRow[]> => {
    const path = join(folder, 'file.csv');
    writeFileSync(path, content);
    return rowsOfFile(path);
  };
  /** `line: coins` of each row that was understood, and the sentences about the others. */
  const told = (rows: readonly FileRow[]): string[] =>
    rows.flatMap((row) => (isRefused(row) ? sentencesOf(row) : [`${row.fileLine}: ${row.viewerId} ${row.coins}`]));

  it('refuses a row with a column too many, and takes the others', async () => {
    expect(told(await rowsOfFile(join(CASES, 'surplus-column.csv')))).toEqual([
      '2: v1 5',
      'line 3: invalid, the row has 6 columns, the header has 5 (columnCount)',
    ]);
  });

  it('takes every row of a file with mixed line ends, and ignores columns with other names', async () => {
    const path = join(CASES, 'mixed-line-ends.csv');
    expect(told(await rowsOfFile(path))).toEqual(['2: v1 5', '3: v1 1', '4: v2 2', '5: v3 3', '6: v4 4']);
    const ignored: string[] = [];
    for await (const _ of readHistoryRows(path, (names) => ignored.push(...names)));
    expect(ignored).toEqual(['note']);
  });

  it('gives one time one spelling', async () => {
    const [a] = await rowsOfFile(join(CASES, 'spelled-a.csv'));
    const [b] = await rowsOfFile(join(CASES, 'spelled-b.csv'));
    expect(b).toEqual(a);
    expect(['', '.0', '.000', '.5', '.500', '.123456', '.1234560'].map((f) => canonicalInstant(`12:00${f}Z`))).toEqual([
      '12:00Z',
      '12:00Z',
      '12:00Z',
      '12:00.500Z',
      '12:00.500Z',
      '12:00.123456Z',
      '12:00.123456Z',
    ]);
  });

  it.each<[string, string, string]>([
    ['a column too few', '2016-07-01T01:16:53Z,r1,c1,v1', 'the row has 4 columns, the header has 5 (columnCount)'],
    ['only commas', ',,,,', 'at "", must be a time in UTC, such as 2016-07-01T01:16:53Z (isInstant)'],
    ['a decimal comma', GOOD.replace(/5$/, '"1,000"'), 'coins "1,000", must be a whole number from 1 to 1000000000'],
    ['an exponent', GOOD.replace(/5$/, '1e3'), 'coins "1e3", must be a whole number'],
    ['a fraction', GOOD.replace(/5$/, '5.0'), 'coins "5.0", must be a whole number'],
    ['a sign', GOOD.replace(/5$/, '+5'), 'coins "+5", must be a whole number'],
    ['a leading zero', GOOD.replace(/5$/, '05'), 'coins "05", must be a whole number'],
    ['zero', GOOD.replace(/5$/, '0'), 'coins "0", must be a whole number'],
    ['too many coins', GOOD.replace(/5$/, '1000000001'), 'coins "1000000001", must be a whole number'],
    ['digits of another script', GOOD.replace(/5$/, '٥'), 'coins "٥", must be a whole number'],
    ['a time with an offset', GOOD.replace('Z', '+02:00'), 'at "2016-07-01T01:16:53+02:00", must be a time in UTC'],
    ['a day that does not exist', GOOD.replace('07-01', '02-30'), 'at "2016-02-30T01:16:53Z", must be a time'],
    ['a space inside an id', GOOD.replace('v1', 'v 1'), 'viewer_id "v 1", must be an id'],
    ['a NUL', GOOD.replace('v1', 'v\0'), 'viewer_id "v\\u0000", must be an id'],
    ['a long value', GOOD.replace('v1', 'v'.repeat(999)), `viewer_id "${'v'.repeat(40)}…", must be an id`],
  ])('refuse %s, naming line, column, value and rule', async (_, line, sentence) => {
    const [first, ...others] = told(await rowsOf(`${HEADER}\n${GOOD}\n${line}\n${GOOD}\n`));
    expect([first, others.at(-1)]).toEqual(['2: v1 5', '4: v1 5']);
    expect(others[0]).toMatch(/^line 3: invalid, /);
    expect(others[0]).toContain(sentence);
    expect(others.slice(0, -1).every((fault) => fault.startsWith('line 3: '))).toBe(true);
  });

  it('refuse a lone carriage return, which editors count as a line end', async () => {
    expect(told(await rowsOf(`${HEADER}\n${GOOD.replace('v1', 'v\r1')}\n${GOOD}\n`))).toEqual([
      expect.stringContaining('line 2: invalid, viewer_id "v\\r1", must be an id'),
      '4: v1 5',
    ]);
  });

  it('refuse bytes that are not UTF-8, also in columns that are not imported', async () => {
    const file = Buffer.concat([
      Buffer.from(`${HEADER},note\n${GOOD},`),
      Buffer.from([0x52, 0xe9]),
      Buffer.from(`\n${GOOD},Ré\n`),
    ]);
    expect(told(await rowsOf(file))).toEqual(['line 2: invalid, note "R\ufffd", must be UTF-8 (isUtf8)', '3: v1 5']);
  });

  it('are counted as an editor counts lines: blank ones, and those inside quotes', async () => {
    const file = `${HEADER},note\r\n${GOOD},"two\r\nlines\nor three"\r\n\r\n  \n${GOOD},"a ""b"", c"\n${GOOD},x,y\n`;
    expect(told(await rowsOf(file))).toEqual([
      '2: v1 5',
      '7: v1 5',
      'line 8: invalid, the row has 7 columns, the header has 6 (columnCount)',
    ]);
  });

  it('may have a byte order mark, spaces around values, no line end at the end, and columns in any order', async () => {
    const file = '\uFEFF"coins", viewer_id,room_id,creator_id,at\n 5 ,\tv1 ,r1,c1, 2016-07-01T01:16:53Z ';
    expect(told(await rowsOf(file))).toEqual(['2: v1 5']);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['two columns of one name', `${HEADER},coins\n${GOOD},7\n`, /line 1: two columns have the name "coins"/],
    ['two other columns of one name', `${HEADER},n,n\n${GOOD},7,8\n`, /line 1: two columns have the name "n"/],
    ['a column without a name', `${HEADER},\n${GOOD},\n`, /line 1: column 6 has no name/],
    ['a missing column', 'at,room_id\n1,2\n', /line 1: the header has no column creator_id, viewer_id, coins/],
    ['a misspelled column', `${HEADER.replace('at', 'At')}\n${GOOD}\n`, /line 1: the header has no column at/],
    ['a semicolon between values', HEADER.replaceAll(',', ';'), /line 1: the header has no column at/],
    ['no header', '', /is empty: it has no header/],
    ['only carriage returns at line ends', `${HEADER}\r${GOOD}\r`, /line 1: the header has no column coins/],
    ['UTF-16', Buffer.from(`\uFEFF${HEADER}\n`, 'utf16le'), /is UTF-16; save it as UTF-8/],
    ['an open quote', `${HEADER}\n${GOOD}\n"2016,r1,c1,v1,5\n${GOOD}\n`, /line 3: a quote is opened .* never closed/],
    ['an open quote and much text', `${HEADER}\n"${`${GOOD}\n`.repeat(4_000)}`, /line 2: the row is longer than/],
    ['a quote inside a value', `${HEADER}\n${GOOD}\n${GOOD}"\n`, /line 3: there is a quote inside a value/],
    ['text after a quote', `${HEADER}\n"2016"x,r1,c1,v1,5\n`, /line 2: there is text after a closing quote/],
  ])('are refused as a whole: %s', async (_, content, message) => {
    await expect(rowsOf(content)).rejects.toThrow(message);
  });
});
