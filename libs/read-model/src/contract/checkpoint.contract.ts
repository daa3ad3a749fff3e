import type { ReadModel } from '../read-model.js';
import type { ReadModelHarness } from './harness.js';
import { applyLog, applySpan, dumpOf, MadeLog, positionAt, STORE_ID } from './made-log.js';

type Opened = () => Promise<{ readonly model: ReadModel; readonly harness: ReadModelHarness }>;

function walletLog(): MadeLog {
  const log = new MadeLog();
  log.event({ kind: 'row', table: 'wallet', id: 'ann', set: { region: 'DE' } });
  for (let i = 0; i < 9; i++) log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: 1 } });
  return log;
}

async function spentByAnn(model: ReadModel): Promise<number | undefined> {
  return (await model.wallet('ann'))?.row.spentCoins;
}

/** The partition that ann's wallet is in is not named: every partition is moved alike. */
async function applyAll(model: ReadModel, log: MadeLog, start: number, end: number): Promise<unknown[]> {
  const results: unknown[] = [];
  for (let partition = 0; partition < model.partitionCount; partition++) {
    results.push(await applySpan(model, partition, log, start, end));
  }
  return results;
}

export function describeCheckpoints(open: Opened): void {
  it('has no checkpoint at first and holds nothing', async () => {
    const { model } = await open();
    for (let partition = 0; partition < model.partitionCount; partition++) {
      expect(await model.checkpoint(partition)).toBeNull();
    }
    expect(await model.wallet('ann')).toBeNull();
    expect(await dumpOf(model)).toEqual([]);
  });

  it('moves writes and checkpoint together', async () => {
    const { model } = await open();
    const log = walletLog();
    for (const result of await applyAll(model, log, 0, 4)) expect(result).toEqual({ applied: true });
    expect(await model.checkpoint(0)).toEqual({ storeId: STORE_ID, position: positionAt(4) });
    expect(await model.wallet('ann')).toMatchObject({ row: { spentCoins: 3 }, position: positionAt(4) });
  });

  it('changes nothing from another checkpoint, and answers its own', async () => {
    const { model } = await open();
    const log = walletLog();
    expect(await applySpan(model, 0, log, 2, 4)).toEqual({ applied: false, checkpoint: null });
    await applyAll(model, log, 0, 4);
    const stored = { storeId: STORE_ID, position: positionAt(4) };
    for (const [start, end] of [
      [0, 4],
      [0, 8],
      [2, 6],
      [5, 8],
    ] as const) {
      for (const result of await applyAll(model, log, start, end)) {
        expect(result).toEqual({ applied: false, checkpoint: stored });
      }
    }
    expect(await spentByAnn(model)).toBe(3);
    await applyAll(model, log, 4, 8);
    expect(await spentByAnn(model)).toBe(7);
  });

  it('applies one of two that go on from the same checkpoint at once', async () => {
    const { model } = await open();
    const log = walletLog();
    await applyAll(model, log, 0, 2);
    for (let partition = 0; partition < model.partitionCount; partition++) {
      const results = await Promise.all([
        applySpan(model, partition, log, 2, 5),
        applySpan(model, partition, log, 2, 7),
        applySpan(model, partition, log, 2, 5),
      ]);
      expect(results.filter(({ applied }) => applied)).toHaveLength(1);
    }
    const { position } = (await model.wallet('ann'))!;
    expect(await spentByAnn(model)).toBe(position === positionAt(5) ? 4 : 6);
  });

  it('moves its checkpoint by a batch without writes', async () => {
    const { model } = await open();
    for (let partition = 0; partition < model.partitionCount; partition++) {
      const empty = { partition, storeId: STORE_ID, newestGiftMs: null, writes: [] };
      expect(await model.apply({ ...empty, from: null, to: positionAt(3) })).toEqual({ applied: true });
      expect(await model.apply({ ...empty, from: positionAt(3), to: positionAt(9) })).toEqual({ applied: true });
      expect(await model.checkpoint(partition)).toEqual({ storeId: STORE_ID, position: positionAt(9) });
    }
  });

  it('refuses a batch of another store', async () => {
    const { model } = await open();
    const log = walletLog();
    await applyAll(model, log, 0, 4);
    const before = await dumpOf(model);
    for (const start of [0, 4]) {
      await expect(applySpan(model, 0, log, start, 6, 'another-store')).rejects.toMatchObject({
        code: 'checkpoint-foreign',
      });
    }
    expect(await model.checkpoint(0)).toEqual({ storeId: STORE_ID, position: positionAt(4) });
    expect(await dumpOf(model)).toEqual(before);
  });

  it('goes on rightly from a checkpoint that fell back', async () => {
    const { model, harness } = await open();
    if (harness.remember === undefined) return;
    const log = walletLog();
    await applyAll(model, log, 0, 3);
    const restore = await harness.remember(model);
    await applyAll(model, log, 3, 6);
    await restore();
    const fallen = { storeId: STORE_ID, position: positionAt(3) };
    for (const result of await applyAll(model, log, 6, 8))
      expect(result).toEqual({ applied: false, checkpoint: fallen });
    await applyAll(model, log, 3, 8);
    expect(await spentByAnn(model)).toBe(7);
  });

  it('dropped, answers that it is being rebuilt until it is marked as built', async () => {
    const { model } = await open();
    const log = walletLog();
    log.openRoom('lounge', 'cora');
    log.gift('ann', 3);
    await applyLog(model, log);
    const before = await dumpOf(model);
    for (let partition = 0; partition < model.partitionCount; partition++) {
      await model.drop(partition);
      expect(await model.checkpoint(partition)).toBeNull();
    }
    await expectRebuilding(model);
    await applyLog(model, log, 4);
    await expectRebuilding(model);
    for (let partition = 0; partition < model.partitionCount; partition++) await model.markBuilt(partition);
    expect(await dumpOf(model)).toEqual(before);
    expect(await spentByAnn(model)).toBe(9);
  });

  it('ends what waits when it is dropped or closed', async () => {
    const { model } = await open();
    const dropped = model.waitFor({ wallet: 'ann' }, positionAt(5), 60_000).catch((error: unknown) => error);
    for (let partition = 0; partition < model.partitionCount; partition++) await model.drop(partition);
    expect(await dropped).toMatchObject({ code: 'rebuilding' });
    for (let partition = 0; partition < model.partitionCount; partition++) await model.markBuilt(partition);
    const closed = model.waitFor({ wallet: 'ann' }, positionAt(5), 60_000).catch((error: unknown) => error);
    await model.close();
    expect(await closed).toMatchObject({ code: 'unavailable' });
    await expect(model.wallet('ann')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('waits until a position is reached, also by a batch without writes, or until the time is up', async () => {
    const { model } = await open();
    const log = walletLog();
    const subjects = [
      { wallet: 'ann' },
      { creator: 'cora' },
      { room: 'lounge' },
      { board: { kind: 'gifters' } },
      'rooms',
    ] as const;
    const waits = subjects.map((subject) => model.waitFor(subject, positionAt(4), 10_000));
    await applyAll(model, log, 0, 3);
    expect(await model.waitFor({ wallet: 'ann' }, positionAt(4), 5)).toBe(false);
    await applyAll(model, log, 3, 5);
    expect(await Promise.all(waits)).toEqual(subjects.map(() => true));
    expect(await model.waitFor({ wallet: 'ann' }, positionAt(5), 0)).toBe(true);
    expect(await model.waitFor({ wallet: 'ann' }, positionAt(6), 5)).toBe(false);
  });
}

async function expectRebuilding(model: ReadModel): Promise<void> {
  const board = { board: { kind: 'gifters' }, window: 'all', atMs: 0, limit: 10 } as const;
  for (const ask of [
    () => model.wallet('ann'),
    () => model.creator('cora'),
    () => model.room('lounge'),
    () => model.rooms({ limit: 10 }),
    () => model.roomGifts('lounge'),
    () => model.board(board),
    () => model.waitFor({ wallet: 'ann' }, positionAt(1), 1_000),
    () => dumpOf(model),
  ]) {
    await expect(ask()).rejects.toMatchObject({ name: 'ReadModelError', code: 'rebuilding' });
  }
}
