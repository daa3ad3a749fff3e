import { ROOM_GIFTS_MIN, type ReadModel } from '../read-model.js';
import { WINDOWS } from '../windows.js';
import { applyLog, dumpOf, MadeLog } from './made-log.js';

type Opened = () => Promise<{ readonly model: ReadModel }>;

export function describeRows(open: Opened): void {
  it('knows no row that was never written', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.gift('ann', 1);
    await applyLog(model, log);
    expect(await model.wallet('ann')).toBeNull();
    expect(await model.creator('cora')).toBeNull();
    expect(await model.room('lounge')).toBeNull();
    expect(await model.wallet('')).toBeNull();
    expect((await model.roomGifts('nowhere')).row).toEqual([]);
  });

  it('sets and adds fields, from what an empty row has', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.event({ kind: 'row', table: 'wallet', id: 'ann', set: { region: 'DE', ageAssured: true } });
    log.event({
      kind: 'row',
      table: 'wallet',
      id: 'ann',
      set: { coins: 999_999_999_999, lastPurchaseRevision: 1 },
      add: { purchasedCoins: 999_999_999_999 },
    });
    log.event({
      kind: 'row',
      table: 'wallet',
      id: 'ann',
      set: { coins: 4, lastGiftRevision: 2 },
      add: { spentCoins: 7 },
    });
    log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { purchasedCoins: 1 } });
    log.event({ kind: 'row', table: 'creator', id: 'cora' });
    log.event({ kind: 'row', table: 'creator', id: 'cora', add: { diamonds: 50, giftCount: 1, coinsReceived: 1 } });
    log.event({
      kind: 'row',
      table: 'creator',
      id: 'cora',
      set: { lastCreditRevision: 3 },
      add: { creditedDiamonds: 50 },
    });
    const title = 'Tea – and "cake" ☕';
    const openedAt = '2026-05-13T10:00:00.000Z';
    log.event({ kind: 'row', table: 'room', id: 'lounge', set: { creatorId: 'cora', title, state: 'open', openedAt } });
    const lastGiftPosition = log.end;
    const counted = { giftCount: 1, coins: 1, diamonds: 50 };
    log.event({ kind: 'row', table: 'room', id: 'lounge', set: { lastGiftPosition }, add: counted });
    await applyLog(model, log, 3);
    expect(await model.wallet('ann')).toEqual({
      row: {
        viewerId: 'ann',
        region: 'DE',
        ageAssured: true,
        coins: 4,
        purchasedCoins: 1_000_000_000_000,
        spentCoins: 7,
        lastGiftRevision: 2,
        lastPurchaseRevision: 1,
      },
      position: log.end,
    });
    expect((await model.creator('cora'))?.row).toEqual({
      creatorId: 'cora',
      diamonds: 50,
      creditedDiamonds: 50,
      giftCount: 1,
      coinsReceived: 1,
      lastCreditRevision: 3,
    });
    expect((await model.room('lounge'))?.row).toEqual({
      roomId: 'lounge',
      creatorId: 'cora',
      title,
      state: 'open',
      openedAt,
      closedAt: null,
      imported: false,
      lastGiftPosition,
      giftCount: 1,
      coins: 1,
      diamonds: 50,
    });
  });

  it('widens a room that history opened to its earliest and latest gift, whatever their order and spelling', async () => {
    const { model } = await open();
    const log = new MadeLog();
    const opened = '2016-07-03T12:00:00Z';
    for (const [id, imported] of [
      ['old', true],
      ['live', false],
    ] as const) {
      const set = { creatorId: 'cora', state: 'closed', openedAt: opened, closedAt: opened, imported };
      log.event({ kind: 'row', table: 'room', id, set });
      for (const happenedAt of [
        opened,
        '2016-07-03T12:00:00.500Z',
        '2016-07-03T12:00:00.250Z',
        '2015-01-01T00:00:00Z',
        '2016-07-03T11:59:59.999Z',
      ]) {
        log.event({ kind: 'row', table: 'room', id, add: { giftCount: 1 }, happenedAt });
      }
    }
    await applyLog(model, log, 4);
    expect((await model.room('old'))?.row).toMatchObject({
      openedAt: '2015-01-01T00:00:00Z',
      closedAt: '2016-07-03T12:00:00.500Z',
      giftCount: 5,
    });
    expect((await model.room('live'))?.row).toMatchObject({ openedAt: opened, closedAt: opened, giftCount: 5 });
  });

  it('adds up exactly to 2^53 - 1 and stays there, in rows and on boards alike', async () => {
    const { model } = await open();
    const log = new MadeLog();
    const half = 2 ** 52;
    for (const coins of [half, half - 2, 1, 1]) {
      log.event({ kind: 'row', table: 'room', id: 'lounge', add: { coins } });
      log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: coins } });
      log.gift('ann', coins, { diamonds: coins });
      await applyLog(model, log, 1, log.entries.length - 3);
      const sum = (await model.room('lounge'))!.row.coins;
      expect((await model.wallet('ann'))?.row.spentCoins).toBe(sum);
      for (const board of [
        { kind: 'gifters' },
        { kind: 'creators' },
        { kind: 'room-gifters', id: 'lounge' },
      ] as const) {
        expect((await model.board({ board, window: 'all', atMs: 0, limit: 1 })).entries[0]?.score).toBe(sum);
      }
    }
    expect((await model.room('lounge'))?.row.coins).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('hands out rows that later writes do not change', async () => {
    const { model } = await open();
    const log = new MadeLog();
    log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: 1 } });
    await applyLog(model, log);
    const before = await model.wallet('ann');
    log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: 1 } });
    await applyLog(model, log, 1, 1);
    expect(before?.row.spentCoins).toBe(1);
    expect((await model.wallet('ann'))?.row.spentCoins).toBe(2);
  });

  it('lists rooms, newest first, by creator and by state', async () => {
    const { model } = await open();
    const log = new MadeLog();
    for (let i = 0; i < 9; i++) log.openRoom(`room-${i}`, i % 3 === 0 ? 'cora' : 'dan');
    for (const i of [0, 4, 5]) log.closeRoom(`room-${i}`, i === 0 ? 'cora' : 'dan');
    await applyLog(model, log, 2);
    const ids = async (query: object): Promise<string[]> =>
      (await model.rooms({ limit: 100, ...query })).items.map(({ roomId }) => roomId.slice(5));
    expect(await ids({})).toEqual(['8', '7', '6', '5', '4', '3', '2', '1', '0']);
    expect(await ids({ creatorId: 'cora' })).toEqual(['6', '3', '0']);
    expect(await ids({ state: 'open' })).toEqual(['8', '7', '6', '3', '2', '1']);
    expect(await ids({ state: 'closed' })).toEqual(['5', '4', '0']);
    expect(await ids({ creatorId: 'dan', state: 'closed' })).toEqual(['5', '4']);
    expect(await ids({ creatorId: 'nobody' })).toEqual([]);
    expect(await model.rooms({ limit: 9 })).toMatchObject({ nextCursor: null, position: log.end });
    const [newest] = (await model.rooms({ limit: 1, state: 'closed' })).items;
    expect(newest).toMatchObject({ roomId: 'room-5', creatorId: 'dan', state: 'closed' });
  });

  it('goes on from a cursor while rooms are added', async () => {
    const { model } = await open();
    const log = new MadeLog();
    for (let i = 0; i < 7; i++) log.openRoom(`room-${i}`, 'cora');
    await applyLog(model, log);
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let added = 7; ; added++) {
      const page = await model.rooms({ limit: 2, creatorId: 'cora', ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.items.map(({ roomId }) => roomId));
      cursor = page.nextCursor;
      if (cursor === null) break;
      const start = log.entries.length;
      log.openRoom(`room-${added}`, 'cora');
      await applyLog(model, log, 1, start);
    }
    expect(seen).toEqual(['room-6', 'room-5', 'room-4', 'room-3', 'room-2', 'room-1', 'room-0']);
  });

  it('keeps the newest gifts of a room, newest first', async () => {
    const { model } = await open();
    const log = new MadeLog();
    const count = 3 * ROOM_GIFTS_MIN + 7;
    for (let i = 0; i < count; i++) log.gift(`viewer-${i % 5}`, 1, { roomId: i % 2 === 0 ? 'lounge' : 'attic' });
    log.gift('viewer.with.dots', 1, { roomId: 'tiny', giftId: 'viewer.with.dots.123456789012' });
    await applyLog(model, log);
    for (const roomId of ['lounge', 'attic']) {
      const expected = log.gifts().filter((gift) => gift.roomId === roomId);
      const { row, position } = await model.roomGifts(roomId);
      expect(position).toBe(log.end);
      expect(row.length).toBeGreaterThanOrEqual(ROOM_GIFTS_MIN);
      expect(row).toEqual(
        expected
          .reverse()
          .map(({ giftId }) => giftId)
          .slice(0, row.length),
      );
    }
    expect((await model.roomGifts('tiny')).row).toEqual(['viewer.with.dots.123456789012']);
  });

  it('dumps the same lines, however the log was cut', async () => {
    const log = new MadeLog();
    for (let i = 0; i < 60; i++) {
      if (i % 6 === 0) log.openRoom(`room-${i}`, `creator-${i % 4}`);
      log.event({ kind: 'row', table: 'wallet', id: `v${i % 7}`, add: { spentCoins: i }, set: { coins: i } });
      const roomId = `room-${i - (i % 6)}`;
      const name = i % 3 === 0 ? `name ${i}` : null;
      log.gift(`v${i % 7}`, 1 + (i % 3), { roomId, creatorId: `creator-${(i - (i % 6)) % 4}`, name });
      if (i % 12 === 11) log.closeRoom(roomId, `creator-${(i - (i % 6)) % 4}`);
    }
    const dumps: string[][] = [];
    for (const size of [1, 7, 1_000]) {
      const { model } = await open();
      await applyLog(model, log, size);
      dumps.push(await dumpOf(model));
    }
    const boards = new Set(dumps[0]!.map((line) => /^board ([^: ]+)\S* (\w+) /.exec(line)?.slice(1).join(' ')));
    for (const kind of ['room-gifters', 'creator-gifters', 'creators', 'gifters']) {
      for (const window of WINDOWS) expect(boards).toContain(`${kind} ${window}`);
    }
    expect(dumps[1]).toEqual(dumps[0]);
    expect(dumps[2]).toEqual(dumps[0]);
  });
}
