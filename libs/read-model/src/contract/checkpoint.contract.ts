import type { ReadModel } from '../read-model.js';
import type { ReadModelHarness } from './harness.js';
import { applyAll, applySpan, dumpOf, positionAt, spentByAnn, STORE_ID, walletLog } from './made-log.js';

type Opened = () => Promise<{ readonly model: ReadModel; readonly harness: ReadModelHarness }>;

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
      const empty = { partition, storeId: STORE_ID, newestRecordedMs: null, writes: [] };
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
