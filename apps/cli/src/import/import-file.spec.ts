import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HistoryLine, LineAnswer } from '@livegift/contracts';
import { silentProgress } from '../progress.js';
import { chunked, type OutgoingLine } from './chunks.js';
import type { HistoryRow } from './history-rows.js';
import { importFile, type RowProblem } from './import-file.js';
import { RowOccurrences, rowHash } from './row-occurrences.js';
import { FRUITLESS_ATTEMPTS_MAX, type Answered } from './send-chunk.js';

const HEADER = 'at,room_id,creator_id,viewer_id,coins\n';
const row = (fields: Partial<HistoryRow> = {}): HistoryRow => ({
  fileLine: 2,
  at: '2016-07-01T01:16:54Z',
  roomId: 'r',
  creatorId: 'c',
  viewerId: 'v',
  coins: '5',
  ...fields,
});

describe('the importId of a row', () => {
  it('is the same for the same row and differs with any field', () => {
    const hashes = [row(), row({ at: 'x' }), row({ roomId: 'x' }), row({ creatorId: 'x' }), row({ viewerId: 'x' })];
    expect(new Set([...hashes, row({ coins: '6' })].map(rowHash)).size).toBe(6);
    expect(rowHash(row({ fileLine: 99 }))).toBe(rowHash(row()));
  });

  it('does not let neighbouring fields run into each other', () => {
    expect(rowHash(row({ roomId: 'ab', creatorId: 'c' }))).not.toBe(rowHash(row({ roomId: 'a', creatorId: 'bc' })));
  });

  it.each([true, false])('counts equal rows of one file, in order of time: %s', (inOrderOfTime) => {
    const ids = new RowOccurrences(inOrderOfTime);
    const given = [row(), row({ viewerId: 'w' }), row()].map((each) => ids.importId(each));
    expect(given).toEqual([`${rowHash(row())}-1`, `${rowHash(row({ viewerId: 'w' }))}-1`, `${rowHash(row())}-2`]);
    expect(given.every((id) => /^[A-Za-z0-9._:-]{1,128}$/.test(id))).toBe(true);
  });

  it('remembers only one instant of a file in order, and refuses an endless one without', () => {
    const rows = Array.from({ length: 50 }, (_, index) => row({ at: `2016-07-01T01:16:${10 + index}Z` }));
    const ordered = new RowOccurrences(true, 10);
    expect(new Set(rows.map((each) => ordered.importId(each))).size).toBe(50);
    const unordered = new RowOccurrences(false, 10);
    expect(() => rows.map((each) => unordered.importId(each))).toThrow(/sort the file/);
  });
});

describe('chunks', () => {
  const lines = async function* (texts: readonly string[]): AsyncGenerator<OutgoingLine> {
    for (const [index, json] of texts.entries()) yield { fileLine: index + 1, json };
  };
  const sizes = async (texts: readonly string[], linesMax: number, bytesMax: number): Promise<number[]> => {
    const found: number[] = [];
    for await (const chunk of chunked(lines(texts), linesMax, bytesMax)) found.push(chunk.length);
    return found;
  };

  it('end at so many lines', async () => {
    expect(await sizes(['a', 'b', 'c', 'd', 'e'], 2, 1_000)).toEqual([2, 2, 1]);
  });
  it('end at so many bytes, as UTF-8', async () => {
    expect(await sizes(['aaaa', 'bbbb', 'éé', 'cccc'], 9, 10)).toEqual([2, 2]);
    expect(await sizes(['éééé', 'aaaa'], 9, 10)).toEqual([1, 1]);
  });
  it('carry a line that is too long alone, and none of an empty file', async () => {
    expect(await sizes(['a'.repeat(99), 'b'], 9, 10)).toEqual([1, 1]);
    expect(await sizes([], 9, 10)).toEqual([]);
  });
});

/** An engine that remembers import ids, in front of which stands whatever trouble the test brings. */
class Door {
  readonly taken = new Map<string, HistoryLine>();
  readonly pauses: number[] = [];
  requests = 0;

  constructor(
    private readonly trouble: (request: number, lines: readonly HistoryLine[]) => Answered | null = () => null,
  ) {}

  readonly outside = {
    post: async (body: string): Promise<Answered> => {
      this.requests += 1;
      const lines = body
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as HistoryLine);
      return this.trouble(this.requests, lines) ?? ok(this.answer(lines));
    },
    pause: async (ms: number): Promise<void> => {
      this.pauses.push(ms);
    },
  };

  answer(lines: readonly HistoryLine[]): LineAnswer[] {
    return lines.map((line, index) => {
      if (typeof line.coins !== 'number') {
        return {
          line: index + 1,
          status: 'invalid',
          code: 'invalid-request',
          errors: [{ path: 'coins', rule: 'isInt' }],
        };
      }
      const status = this.taken.has(line.importId) ? 'replayed' : 'accepted';
      this.taken.set(line.importId, line);
      return { line: index + 1, status, position: String(this.taken.size).padStart(16, '0') };
    });
  }
}

const ok = (answers: readonly LineAnswer[]): Answered => ({
  status: 200,
  retryAfter: null,
  text: answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''),
});
const busy: Answered = { status: 503, retryAfter: '7', text: '{"code":"overloaded"}' };

describe('importing a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegift-import-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const rows = Array.from({ length: 4_500 }, (_, n) => `2016-07-01T01:16:54Z,room,creator,v${n % 90},${1 + (n % 7)}\n`);
  const big = fileOf('big.csv', HEADER + rows.join(''));
  const run = (path: string, door: Door, problems: RowProblem[] = []): ReturnType<typeof importFile> =>
    importFile(path, door.outside, silentProgress, (problem) => problems.push(problem));

  it('sends every row once, in chunks, and again without harm', async () => {
    const door = new Door();
    const first = await run(big, door);
    expect(first).toEqual({
      file: big,
      rows: 4_500,
      accepted: 4_500,
      replayed: 0,
      refused: 0,
      invalid: 0,
      position: String(4_500).padStart(16, '0'),
    });
    expect(door.requests).toBe(3);
    expect(await run(big, door)).toMatchObject({ accepted: 0, replayed: 4_500 });
    expect(door.taken.size).toBe(4_500);
  });

  it('knows the rows of another file with other columns around them', async () => {
    const door = new Door();
    await run(fileOf('one.csv', `${HEADER}2016-07-01T01:16:54Z,r,c,v,5\n`), door);
    const other = fileOf('two.csv', 'note,coins,viewer_id,creator_id,room_id,at\nhello,5,v,c,r,2016-07-01T01:16:54Z\n');
    expect(await run(other, door)).toMatchObject({ accepted: 0, replayed: 1 });
  });

  it('says which lines were not taken', async () => {
    const problems: RowProblem[] = [];
    const path = fileOf('bad.csv', `${HEADER}2016-07-01T01:16:54Z,r,c,v,5\n2016-07-01T01:16:54Z,r,c,v,five\n`);
    expect(await run(path, new Door(), problems)).toMatchObject({ accepted: 1, invalid: 1 });
    expect(problems).toEqual([
      { fileLine: 3, status: 'invalid', code: 'invalid-request', errors: [{ path: 'coins', rule: 'isInt' }] },
    ]);
  });

  it('waits while the engine is busy, as long as it was asked to', async () => {
    const door = new Door((request) => (request <= 3 ? busy : null));
    expect(await run(big, door)).toMatchObject({ accepted: 4_500 });
    expect(door.pauses).toHaveLength(3);
    expect(door.pauses.every((ms) => ms >= 5_000 && ms <= 7_000)).toBe(true);
  });

  it('sends only the open lines again, also after an answer that broke off', async () => {
    const sent: number[] = [];
    const door: Door = new Door((request, lines) => {
      sent.push(lines.length);
      if (request === 1) return ok(door.answer(lines.slice(0, 3)).concat({ line: 4, status: 'retry' }));
      if (request === 2) return { ...ok(door.answer(lines)), text: '{"line":1,"status":"accepted"}\n{"line":2,"sta' };
      return null;
    });
    const few = fileOf('few.csv', HEADER + rows.slice(0, 10).join(''));
    expect(await run(few, door)).toMatchObject({ rows: 10, accepted: 4, replayed: 6 });
    expect(sent).toEqual([10, 7, 6]);
    expect(door.taken.size).toBe(10);
  });

  it('gives up on an engine that stays away, and says how to go on', async () => {
    const door = new Door(() => busy);
    await expect(run(big, door)).rejects.toThrow(/503.*Run the same command again/);
    expect(door.requests).toBe(FRUITLESS_ATTEMPTS_MAX);
  });

  it('stops at once at an answer that repeating will not change', async () => {
    const door = new Door(() => ({ status: 404, retryAfter: null, text: 'not here' }));
    await expect(run(big, door)).rejects.toThrow(/404 not here/);
    expect(door.requests).toBe(1);
  });

  it('refuses a file that is none, or not of gifts', async () => {
    await expect(run(join(folder, 'none.csv'), new Door())).rejects.toThrow(/cannot read/);
    await expect(run(folder, new Door())).rejects.toThrow(/not a file/);
    await expect(run(fileOf('x.csv', 'at,room_id\n1,2\n'), new Door())).rejects.toThrow(
      /no column creator_id, viewer_id, coins/,
    );
    await expect(run(fileOf('empty.csv', ''), new Door())).rejects.toThrow(/no column at, room_id/);
  });

  it('stops at a line that is no CSV, naming how far it read', async () => {
    const broken = fileOf('broken.csv', `${HEADER}2016-07-01T01:16:54Z,r,c,v,5\n"open,quote${'x'.repeat(70_000)}\n`);
    await expect(run(broken, new Door())).rejects.toThrow(/after row 1/);
  });
});
