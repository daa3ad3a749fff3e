import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldError, type HistoryLine, type LineAnswer } from '@livegift/contracts';
import { silentProgress } from '../progress.js';
import type { RefusedRow } from './history-rows.js';
import { importFile, type ImportReport, type ImportSummary, type RowProblem } from './import-file.js';
import { sentenceOf } from './row-sentences.js';
import { FIRST_ANSWER_MS_MAX, FRUITLESS_ATTEMPTS_MAX, type Answered, type Outside } from './send-chunk.js';

const HEADER = 'at,room_id,creator_id,viewer_id,coins\n';

/** An engine that remembers import ids, behind the trouble that the test brings. */
class Door {
  readonly taken = new Map<string, HistoryLine>();
  readonly pauses: number[] = [];
  requests = 0;

  constructor(
    private readonly trouble: (request: number, lines: readonly HistoryLine[]) => Answered | null = () => null,
  ) {}

  readonly said: string[] = [];
  nowMs = 0;

  readonly outside: Outside = {
    address: 'http://engine',
    say: (note) => this.said.push(note),
    elapsedMs: () => this.nowMs,
    post: async (body) => {
      this.requests += 1;
      const lines = body
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as HistoryLine);
      return this.trouble(this.requests, lines) ?? ok(this.answer(lines));
    },
    pause: async (ms) => {
      this.pauses.push(ms);
      this.nowMs += ms;
    },
  };

  answer(lines: readonly HistoryLine[]): LineAnswer[] {
    return lines.map((line, index) => {
      if (line.viewerId === 'late') {
        return { line: index + 1, status: 'invalid', errors: [fieldError('body.at', 'notInFuture')] };
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
  interface Run {
    readonly summary: ImportSummary;
    readonly problems: RowProblem[];
    readonly unreadable: RefusedRow[];
    readonly stopped: string | null;
  }
  const run = async (path: string, door: Door, signal = new AbortController().signal): Promise<Run> => {
    const problems: RowProblem[] = [];
    const unreadable: RefusedRow[] = [];
    let stopped: string | null = null;
    const report: ImportReport = {
      progress: silentProgress,
      ignored: () => {},
      unreadable: (row) => unreadable.push(row),
      problem: (problem) => problems.push(problem),
      stopped: (reason) => (stopped = reason.message),
    };
    const summary = await importFile(path, door.outside, report, signal);
    return { summary, problems, unreadable, stopped };
  };

  it('sends every row once, in chunks, and again without harm', async () => {
    const door = new Door();
    const first = await run(big, door);
    expect(first.summary).toEqual({
      file: big,
      rows: 4_500,
      accepted: 4_500,
      replayed: 0,
      refused: 0,
      invalid: 0,
      complete: true,
      position: String(4_500).padStart(16, '0'),
    });
    expect(door.requests).toBe(3);
    expect((await run(big, door)).summary).toMatchObject({ accepted: 0, replayed: 4_500 });
    expect(door.taken.size).toBe(4_500);
  });

  it('knows the rows of another file with other columns around them', async () => {
    const door = new Door();
    await run(fileOf('one.csv', `${HEADER}2016-07-01T01:16:54Z,r,c,v,5\n`), door);
    const other = fileOf('two.csv', 'note,coins,viewer_id,creator_id,room_id,at\nhello,5,v,c,r,2016-07-01T01:16:54Z\n');
    expect((await run(other, door)).summary).toMatchObject({ accepted: 0, replayed: 1 });
  });

  it('says which lines were not taken, and sends none that it does not understand', async () => {
    const door = new Door();
    const at = '2016-07-01T01:16:54Z';
    const path = fileOf('bad.csv', `${HEADER}${at},r,c,v,5\n${at},r,c,late,5\n${at},r,c,v,five\n`);
    const { summary, problems, unreadable } = await run(path, door);
    expect(summary).toMatchObject({ rows: 3, accepted: 1, invalid: 2, complete: true });
    expect(problems.map(sentenceOf)).toEqual([`line 3: invalid, at "${at}" must not be in the future (notInFuture)`]);
    expect(unreadable.map(({ fileLine }) => fileLine)).toEqual([4]);
    expect(door.taken.size).toBe(1);
  });

  it('sends nothing of a file that turns out not to be CSV', async () => {
    const door = new Door();
    const broken = fileOf('broken.csv', `${HEADER}${rows.join('')}"open,quote\n`);
    await expect(run(broken, door)).rejects.toThrow(/line 4502: a quote is opened/);
    expect(door.requests).toBe(0);
  });

  it('waits while the engine is busy, as long as it was asked to', async () => {
    const door = new Door((request) => (request <= 3 ? busy : null));
    expect((await run(big, door)).summary).toMatchObject({ accepted: 4_500 });
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
    expect((await run(few, door)).summary).toMatchObject({ rows: 10, accepted: 4, replayed: 6 });
    expect(sent).toEqual([10, 7, 6]);
    expect(door.taken.size).toBe(10);
  });

  it('gives up on an engine that stays away, and says how to go on', async () => {
    const door = new Door(() => busy);
    const { summary, stopped } = await run(big, door);
    expect(stopped).toMatch(/http:\/\/engine answered 503.*Run the same command again/);
    expect(summary).toMatchObject({ complete: false, rows: 0 });
    expect(door.requests).toBe(FRUITLESS_ATTEMPTS_MAX);
    expect(door.said[0]).toMatch(/http:\/\/engine answered 503 .*; trying again in \d/);
  });

  it('says at once that nothing answers, and gives up soon when nothing ever has', async () => {
    const door = new Door(() => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }) });
    });
    const { stopped } = await run(big, door);
    expect(door.said[0]).toMatch(/http:\/\/engine did not answer \(ECONNREFUSED\); trying again/);
    expect(stopped).toMatch(/did not answer \(ECONNREFUSED\); gave up after 1\d s/);
    expect(door.nowMs).toBeLessThan(2 * FIRST_ANSWER_MS_MAX);
  });

  it('waits for an engine that has answered before, and restarts', async () => {
    const door = new Door((request) => {
      if (request > 1 && request < 8) throw new TypeError('fetch failed');
      return null;
    });
    expect((await run(big, door)).summary).toMatchObject({ accepted: 4_500, complete: true });
    expect(door.nowMs).toBeGreaterThan(FIRST_ANSWER_MS_MAX);
  });

  it('ends with a summary of what is settled when it is interrupted', async () => {
    const stop = new AbortController();
    const door = new Door((request) => {
      if (request === 2) stop.abort();
      return null;
    });
    const { summary, stopped } = await run(big, door, stop.signal);
    expect(summary).toMatchObject({ rows: 4_000, accepted: 4_000, complete: false });
    expect(stopped).toBeNull();
    expect(door.requests).toBe(2);
  });

  it('stops at once at an answer that repeating will not change', async () => {
    const door = new Door(() => ({ status: 404, retryAfter: null, text: 'not here' }));
    expect((await run(big, door)).stopped).toMatch(/404 not here/);
    expect(door.requests).toBe(1);
  });

  it('refuses a file that is none', async () => {
    await expect(run(join(folder, 'none.csv'), new Door())).rejects.toThrow(/cannot read/);
    await expect(run(folder, new Door())).rejects.toThrow(/not a file/);
  });
});
