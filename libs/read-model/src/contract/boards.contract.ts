// Longer than most: one case for each promise about boards.
import type { Board, WindowName } from '../boards.js';
import type { BoardQuery, ReadModel } from '../read-model.js';
import { WINDOWS } from '../windows.js';
import type { ReadModelHarness } from './harness.js';
import { applyLog, AT, dumpOf, MadeLog, seeded } from './made-log.js';
import { naiveBoard } from './naive-board.js';

type Opened = (options?: { readonly utcOffset?: string; readonly retentionMs?: number }) => Promise<{
  readonly model: ReadModel;
  readonly harness: ReadModelHarness;
}>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const BOARDS: readonly Board[] = [
  { kind: 'room-gifters', id: 'lounge' },
  { kind: 'creator-gifters', id: 'cora' },
  { kind: 'creators' },
  { kind: 'gifters' },
];
const GIFTERS: Board = { kind: 'gifters' };

function query(board: Board, window: WindowName, more: Partial<BoardQuery> = {}): BoardQuery {
  return { board, window, atMs: AT, limit: 10, ...more };
}

/** Compares with adding up every gift and sorting. */
async function expectNaive(model: ReadModel, log: MadeLog, asked: BoardQuery, utcOffset = '+00:00'): Promise<void> {
  expect(await model.board(asked)).toEqual({ ...naiveBoard(log.gifts(), asked, utcOffset), position: log.end });
}

async function idsOf(model: ReadModel, asked: BoardQuery): Promise<string[]> {
  return (await model.board(asked)).entries.map(({ id }) => id);
}

export function describeBoards(open: Opened): void {
  it.each(BOARDS.flatMap((board) => WINDOWS.map((window) => [board.kind, window, board] as const)))(
    'orders the board %s of the %s',
    async (_kind, window, board) => {
      const { model } = await open();
      const log = new MadeLog();
      for (const [index, offset] of [0, -HOUR_MS, -DAY_MS, -3 * DAY_MS, -20 * DAY_MS, -400 * DAY_MS].entries()) {
        const occurredAtMs = AT + offset;
        log.gift('ann', 5 + index, { occurredAtMs });
        log.gift('ben', 7, { occurredAtMs, roomId: 'attic', name: `Ben ${index}` });
        log.gift('cid', 6, { occurredAtMs, roomId: 'cellar', creatorId: 'dan' });
      }
      await applyLog(model, log, 4);
      for (const atMs of [AT, AT - HOUR_MS, AT - DAY_MS, AT - 20 * DAY_MS, AT - 400 * DAY_MS, AT + 500 * DAY_MS]) {
        await expectNaive(model, log, query(board, window, { atMs, member: 'ben' }));
      }
    },
  );

  it('answers an empty board for a room that nobody knows', async () => {
    const { model } = await open();
    const asked = query({ kind: 'room-gifters', id: 'nowhere' }, 'all', { member: 'ann', around: 'ann' });
    expect(await model.board(asked)).toEqual({
      startsAtMs: null,
      endsAtMs: null,
      entries: [],
      member: null,
      total: 0,
      position: null,
    });
  });

  it('puts whoever reached an equal score first before the others', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.gift('ann', 10);
    log.gift('ben', 4);
    log.gift('cid', 10);
    log.gift('ben', 6);
    log.gift('dee', 10);
    await applyLog(model, log);
    expect(await idsOf(model, query(GIFTERS, 'all'))).toEqual(['ann', 'cid', 'ben', 'dee']);
  });

  it('breaks ties by the last gift in the log, also over several hours and out of the order of time', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.gift('ann', 6, { occurredAtMs: AT });
    log.gift('ben', 4, { occurredAtMs: AT - HOUR_MS });
    log.gift('cid', 10, { occurredAtMs: AT + HOUR_MS });
    log.gift('ben', 6, { occurredAtMs: AT - 2 * HOUR_MS });
    log.gift('ann', 4, { occurredAtMs: AT - 3 * HOUR_MS });
    await applyLog(model, log, 2);
    for (const window of ['day', 'week', 'month', 'all'] as const) {
      const { entries } = await model.board(query(GIFTERS, window));
      expect(entries.map(({ id, reachedAtMs }) => [id, reachedAtMs])).toEqual([
        ['cid', AT + HOUR_MS],
        ['ben', AT - 2 * HOUR_MS],
        ['ann', AT - 3 * HOUR_MS],
      ]);
    }
  });

  it('keeps an asked board in order while gifts go on', async () => {
    const { model } = await open();
    const log = new MadeLog();
    const random = seeded(11);
    for (let round = 0; round < 40; round++) {
      const start = log.entries.length;
      for (let i = 0; i < 5; i++) {
        const roomId = random(3) === 0 ? 'attic' : 'lounge';
        log.gift(`v${random(30)}`, 1 + random(3), { roomId, occurredAtMs: AT - random(3) * HOUR_MS });
      }
      await applyLog(model, log, 5, start);
      for (const board of BOARDS) {
        await expectNaive(model, log, query(board, round % 2 === 0 ? 'hour' : 'all', { limit: 100 }));
      }
    }
  });

  it('puts nobody on a board with 0, and a gift that adds 0 does not move the moment of reaching', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.gift('ann', 3, { creatorId: 'cora', diamonds: 150 });
    log.gift('ann', 1, { creatorId: 'dan', roomId: 'attic', diamonds: 0 });
    log.gift('ben', 3, { creatorId: 'eve', roomId: 'cellar', diamonds: 150 });
    log.gift('ann', 1, { creatorId: 'cora', diamonds: 0 });
    await applyLog(model, log);
    for (const window of WINDOWS) {
      const { entries, total } = await model.board(query({ kind: 'creators' }, window));
      expect(entries.map(({ id, score, reachedAtMs }) => [id, score, reachedAtMs])).toEqual([
        ['cora', 150, AT],
        ['eve', 150, AT],
      ]);
      expect(total).toBe(2);
      await expectNaive(model, log, query(GIFTERS, window));
      await expectNaive(model, log, query({ kind: 'creator-gifters', id: 'dan' }, window));
    }
  });

  it('shows the neighbours of a member: in the middle, at both ends, with odd and even limits', async () => {
    const { model } = await open();
    const log = new MadeLog();
    for (let i = 1; i <= 9; i++) log.gift(`v${i}`, 100 - i);
    await applyLog(model, log);
    const around = (id: string, limit: number): Promise<string[]> =>
      idsOf(model, query(GIFTERS, 'all', { around: id, limit }));
    expect(await around('v5', 3)).toEqual(['v4', 'v5', 'v6']);
    expect(await around('v5', 4)).toEqual(['v3', 'v4', 'v5', 'v6']);
    expect(await around('v5', 1)).toEqual(['v5']);
    expect(await around('v5', 2)).toEqual(['v4', 'v5']);
    expect(await around('v1', 3)).toEqual(['v1', 'v2', 'v3']);
    expect(await around('v2', 6)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5', 'v6']);
    expect(await around('v9', 4)).toEqual(['v6', 'v7', 'v8', 'v9']);
    expect(await around('v5', 100)).toHaveLength(9);
    expect(await around('nobody', 3)).toEqual([]);
  });

  it('answers entries from a rank on, and a member of its own', async () => {
    const { model } = await open();
    const log = new MadeLog();
    for (let i = 1; i <= 9; i++) log.gift(`v${i}`, 100 - i);
    await applyLog(model, log);
    for (const from of [1, 2, 8, 9, 10, 1_000, Number.MAX_SAFE_INTEGER]) {
      await expectNaive(model, log, query(GIFTERS, 'day', { from, limit: 3, member: 'v7' }));
    }
    await expectNaive(model, log, query(GIFTERS, 'day', { member: 'nobody' }));
    await expectNaive(model, log, query({ kind: 'creators' }, 'day', { member: 'v1', around: 'v1' }));
  });

  it('keeps scores exact up to 2^53', async () => {
    const { model } = await open();
    const log = new MadeLog();
    const near = Number.MAX_SAFE_INTEGER - 10;
    log.gift('ann', near, { diamonds: near });
    log.gift('ben', near + 1, { diamonds: near + 1, creatorId: 'dan', roomId: 'attic' });
    log.gift('cid', near, { diamonds: 1, roomId: 'attic', creatorId: 'dan' });
    log.gift('ann', 2, { diamonds: 2, occurredAtMs: AT - HOUR_MS });
    await applyLog(model, log);
    for (const board of BOARDS) for (const window of WINDOWS) await expectNaive(model, log, query(board, window));
  });

  it('cuts periods in the offset of the deployment', async () => {
    const utcOffset = '+05:30';
    const { model } = await open({ utcOffset });
    const log = new MadeLog();
    const midnight = Date.parse('2026-05-31T18:30:00.000Z');
    for (const [id, offset] of [
      ['before', -1],
      ['at', 0],
      ['after', 30 * 60_000],
      ['later', HOUR_MS],
    ] as const) {
      log.gift(id, 1, { occurredAtMs: midnight + offset });
    }
    await applyLog(model, log);
    expect(await idsOf(model, query(GIFTERS, 'hour', { atMs: midnight }))).toEqual(['at', 'after']);
    expect(await idsOf(model, query(GIFTERS, 'day', { atMs: midnight - 1 }))).toEqual(['before']);
    for (const window of WINDOWS) {
      for (const atMs of [midnight - 1, midnight, midnight + 10 * DAY_MS]) {
        await expectNaive(model, log, query(GIFTERS, window, { atMs }), utcOffset);
      }
    }
  });

  it('answers periods behind the retention with period-expired, alike after fold and rebuild', async () => {
    const retentionMs = 2 * DAY_MS;
    const log = new MadeLog();
    log.gift('ann', 1, { occurredAtMs: AT - 10 * DAY_MS });
    log.gift('ben', 2, { occurredAtMs: AT - DAY_MS });
    log.gift('cid', 3, { occurredAtMs: AT });
    log.gift('dee', 4, { occurredAtMs: AT - 10 * DAY_MS, roomId: 'attic' });
    const dumps: string[][] = [];
    for (const size of [1, 1_000]) {
      const { model } = await open({ retentionMs });
      await applyLog(model, log, size);
      for (const board of BOARDS) {
        for (const window of ['hour', 'day'] as const) {
          await expect(model.board(query(board, window, { atMs: AT - 10 * DAY_MS }))).rejects.toMatchObject({
            code: 'period-expired',
          });
        }
        for (const window of ['month', 'all'] as const) await expectNaive(model, log, query(board, window));
        await expectNaive(model, log, query(board, 'hour', { atMs: AT - DAY_MS }));
        await expectNaive(model, log, query(board, 'day', { atMs: AT + DAY_MS }));
      }
      dumps.push(await dumpOf(model));
    }
    expect(dumps[1]).toEqual(dumps[0]);
    expect(dumps[0]!.join('\n')).not.toContain(`hour ${AT - 10 * DAY_MS - (AT % HOUR_MS)} `);
  });

  it('counts the retention from when gifts were recorded, not from the time that a gift claims', async () => {
    const log = new MadeLog();
    log.gift('ann', 1);
    log.gift('ben', 2, { occurredAtMs: AT + 100 * DAY_MS }, AT);
    log.gift('cid', 3, { occurredAtMs: AT - 100 * DAY_MS }, AT);
    const { model } = await open({ retentionMs: 2 * DAY_MS });
    await applyLog(model, log);
    for (const board of BOARDS) {
      for (const window of WINDOWS) await expectNaive(model, log, query(board, window));
      await expect(model.board(query(board, 'day', { atMs: AT - 100 * DAY_MS }))).rejects.toMatchObject({
        code: 'period-expired',
      });
    }
  });

  it("shows a viewer's last name, also on boards that were asked before", async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.gift('ann', 1, { name: 'Ann' });
    log.gift('ben', 1);
    await applyLog(model, log);
    await expectNaive(model, log, query(GIFTERS, 'all'));
    log.gift('ann', 1, { name: 'Änn ✨', roomId: 'attic' });
    log.gift('ann', 1);
    await applyLog(model, log, 10, 2);
    await expectNaive(model, log, query(GIFTERS, 'all'));
    await expectNaive(model, log, query({ kind: 'room-gifters', id: 'lounge' }, 'all'));
    expect((await model.board(query(GIFTERS, 'all'))).entries[0]).toMatchObject({ id: 'ann', name: 'Änn ✨' });
  });

  it.each([1, 2, 3, 4])('agrees with adding up and sorting, for random gifts and questions (seed %s)', async (seed) => {
    const random = seeded(seed);
    const utcOffset = ['+00:00', '+05:30', '-08:00', '+14:00'][random(4)]!;
    const { model } = await open({ utcOffset });
    const log = new MadeLog();
    const randomTime = (): number => AT - random(90 * 24) * random(2) * HOUR_MS - random(HOUR_MS);
    for (let round = 0; round < 12; round++) {
      const start = log.entries.length;
      for (let i = random(60); i >= 0; i--) log.gift(...randomGift(random, randomTime()));
      await applyLog(model, log, 1 + random(20), start);
      for (let i = 0; i < 20; i++) await expectNaive(model, log, randomQuery(random, randomTime()), utcOffset);
    }
  });
}

function randomGift(random: (below: number) => number, occurredAtMs: number): Parameters<MadeLog['gift']> {
  const room = random(6);
  const coins = 1 + random(4);
  const roomId = ['lounge', 'attic', 'cellar', 'porch', 'hall', 'roof'][room]!;
  const creatorId = ['cora', 'cora', 'dan', 'eve', 'dan', 'cora'][room]!;
  const viewerId = `v${random(25)}`;
  const diamonds = random(5) === 0 ? 0 : coins * 50;
  const name = random(4) === 0 ? `${viewerId} the ${random(3)}` : null;
  return [viewerId, coins, { roomId, creatorId, diamonds, occurredAtMs, name }];
}

function randomQuery(random: (below: number) => number, atMs: number): BoardQuery {
  const board = BOARDS[random(BOARDS.length)]!;
  const id = board.kind === 'creators' ? ['cora', 'dan', 'eve', 'fay'][random(4)]! : `v${random(27)}`;
  const more = [{}, { from: 1 + random(30) }, { around: id }, { member: id }][random(4)]!;
  return query(board, WINDOWS[random(WINDOWS.length)]!, { atMs, limit: 1 + random(12), ...more });
}
