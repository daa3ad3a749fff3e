import type { Checkpoint } from '@livegift/kernel';
import type { ReadModel } from '../read-model.js';
import type { ReadModelHarness } from './harness.js';
import { applyAll, applyLog, dumpOf, positionAt, spentByAnn, STORE_ID, walletLog, type MadeLog } from './made-log.js';

/** Not marked built. */
type OpenedFresh = () => Promise<{ readonly model: ReadModel; readonly harness: ReadModelHarness }>;

const at = (index: number): Checkpoint => ({ storeId: STORE_ID, position: positionAt(index) });

const endOf = (log: MadeLog): Checkpoint => ({ storeId: STORE_ID, position: log.end });

async function markAllBuilt(model: ReadModel, reached: Checkpoint | null): Promise<boolean[]> {
  const marked: boolean[] = [];
  for (let partition = 0; partition < model.partitionCount; partition++) {
    marked.push(await model.markBuilt(partition, reached));
  }
  return marked;
}

const all = (model: ReadModel, marked: boolean): boolean[] =>
  Array.from({ length: model.partitionCount }, () => marked);

/** Who asks must never take what is not there yet for what is not there at all. */
export function describeBuilding(openFresh: OpenedFresh): void {
  it('answers nothing of a fresh partition until it is marked built, however far it has got', async () => {
    const { model } = await openFresh();
    await expectRebuilding(model);
    const log = walletLog();
    await applyLog(model, log);
    await expectRebuilding(model);
    expect(await markAllBuilt(model, endOf(log))).toEqual(all(model, true));
    expect(await spentByAnn(model)).toBe(9);
  });

  it('counts the partitions that answer questions', async () => {
    const { model } = await openFresh();
    expect(await model.builtPartitions()).toBe(0);
    await model.markBuilt(0, null);
    expect(await model.builtPartitions()).toBe(1);
    await markAllBuilt(model, null);
    expect(await model.builtPartitions()).toBe(model.partitionCount);
    await model.drop(0);
    expect(await model.builtPartitions()).toBe(model.partitionCount - 1);
  });

  it('is built on an empty log as soon as somebody says that it is empty', async () => {
    const { model } = await openFresh();
    expect(await markAllBuilt(model, null)).toEqual(all(model, true));
    expect(await dumpOf(model)).toEqual([]);
  });

  it('is not marked built before it has got so far', async () => {
    const { model } = await openFresh();
    const log = walletLog();
    expect(await markAllBuilt(model, at(4))).toEqual(all(model, false));
    await applyAll(model, log, 0, 3);
    expect(await markAllBuilt(model, at(4))).toEqual(all(model, false));
    await expectRebuilding(model);
    await applyAll(model, log, 3, 6);
    expect(await markAllBuilt(model, at(4))).toEqual(all(model, true));
    expect(await spentByAnn(model)).toBe(5);
  });

  it('stays built when it is asked for more than it has', async () => {
    const { model } = await openFresh();
    const log = walletLog();
    await applyAll(model, log, 0, 3);
    await markAllBuilt(model, at(3));
    expect(await markAllBuilt(model, at(4))).toEqual(all(model, false));
    expect(await spentByAnn(model)).toBe(2);
    expect(await model.checkpoint(0)).toEqual(at(3));
  });

  it('is not marked built for another store', async () => {
    const { model } = await openFresh();
    await applyAll(model, walletLog(), 0, 3);
    const foreign = { storeId: 'another-store', position: positionAt(1) };
    await expect(model.markBuilt(0, foreign)).rejects.toMatchObject({ code: 'checkpoint-foreign' });
  });

  it('dropped, answers nothing until it is marked built again', async () => {
    const { model } = await openFresh();
    const log = walletLog();
    log.openRoom('lounge', 'cora');
    log.gift('ann', 3);
    await applyLog(model, log);
    await markAllBuilt(model, endOf(log));
    const before = await dumpOf(model);
    for (let partition = 0; partition < model.partitionCount; partition++) {
      await model.drop(partition);
      expect(await model.checkpoint(partition)).toBeNull();
    }
    await expectRebuilding(model);
    await applyLog(model, log, 4);
    await expectRebuilding(model);
    await markAllBuilt(model, endOf(log));
    expect(await dumpOf(model)).toEqual(before);
    expect(await spentByAnn(model)).toBe(9);
  });

  it('come back empty, answers nothing until it is built again', async () => {
    const { model, harness } = await openFresh();
    if (harness.remember === undefined) return;
    const log = walletLog();
    const restore = await harness.remember(model);
    await applyLog(model, log);
    await markAllBuilt(model, endOf(log));
    await restore();
    await expectRebuilding(model);
    expect(await markAllBuilt(model, endOf(log))).toEqual(all(model, false));
    await expectRebuilding(model);
    await applyLog(model, log);
    expect(await markAllBuilt(model, endOf(log))).toEqual(all(model, true));
    expect(await spentByAnn(model)).toBe(9);
  });

  it('ends what waits when it is dropped or closed', async () => {
    const { model } = await openFresh();
    await markAllBuilt(model, null);
    const dropped = model.waitFor({ wallet: 'ann' }, positionAt(5), 60_000).catch((error: unknown) => error);
    for (let partition = 0; partition < model.partitionCount; partition++) await model.drop(partition);
    expect(await dropped).toMatchObject({ code: 'rebuilding' });
    await markAllBuilt(model, null);
    const closed = model.waitFor({ wallet: 'ann' }, positionAt(5), 60_000).catch((error: unknown) => error);
    await model.close();
    expect(await closed).toMatchObject({ code: 'unavailable' });
    await expect(model.wallet('ann')).rejects.toMatchObject({ code: 'unavailable' });
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
