import { silentTelemetry, type NewEvent, type Position, type Scheduler } from '@livegift/kernel';
import { ReadModelError, type ReadModel, type ReadModelBatch } from '@livegift/read-model';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { InMemoryEventStore } from '@livegift/testing';
import { Projector } from './projector.js';

const AT = '2026-05-01T12:00:00.000Z';

function event(type: string, data: object): NewEvent {
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: AT };
  return { id: 'e', type, schemaVersion: 1, data: { ...data, occurredAt: AT }, metadata };
}

const opened = (viewerId: string): NewEvent =>
  event('WalletOpened', { viewerId, region: 'DE', ageAssured: true, imported: false });

function purchased(viewerId: string, coins: number, balance: number): NewEvent {
  return event('CoinsPurchased', {
    purchaseId: `${viewerId}.1`,
    viewerId,
    coins,
    price: null,
    provider: 'import',
    paymentId: 'p',
    balance,
  });
}

/** Runs tasks at once: what waits, waits no longer than one turn. */
const hasty: Scheduler = {
  after: (_delayMs, task) => {
    const timer = setImmediate(task);
    return { cancel: () => clearImmediate(timer) };
  },
};

function project(store: InMemoryEventStore, readModel: ReadModel): Projector {
  const clock = { now: () => 0, elapsedMs: () => 0 };
  return new Projector({
    store,
    readModel,
    clock,
    scheduler: hasty,
    telemetry: silentTelemetry,
    config: { batchEventsMax: 2 },
  });
}

async function reached(readModel: ReadModel, position: Position): Promise<void> {
  while ((await readModel.checkpoint(0).catch(() => null))?.position !== position) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function storeWithWallet(): Promise<{ store: InMemoryEventStore; head: Position }> {
  const store = new InMemoryEventStore('store-a');
  await store.append('wallet-ann', [opened('ann'), purchased('ann', 5, 5), purchased('ann', 2, 7)], 'no-stream');
  return { store, head: (await store.head())! };
}

describe('the projector', () => {
  it('builds an empty read model from the log, then follows it', async () => {
    const { store, head } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    const projector = project(store, readModel);
    projector.start();
    await expect(readModel.wallet('ann')).rejects.toMatchObject({ code: 'rebuilding' });
    await reached(readModel, head);
    while (!projector.state().ready) await new Promise((resolve) => setImmediate(resolve));
    expect(projector.state()).toEqual({
      phase: 'live',
      ready: true,
      position: head,
      partitions: 1,
      built: 1,
      reason: null,
    });
    expect((await readModel.wallet('ann'))?.row).toMatchObject({ coins: 7, purchasedCoins: 7 });

    const { positions } = await store.append('wallet-ann', [purchased('ann', 1, 8)], 2);
    expect(await readModel.waitFor({ wallet: 'ann' }, positions[0]!, 1_000)).toBe(true);
    expect((await readModel.wallet('ann'))?.row.coins).toBe(8);
    await projector.stop();
    expect(projector.state().phase).toBe('stopped');
  });

  it('pauses where it has reached the end, takes what came meanwhile after it, and stops in the middle of a pause', async () => {
    const { store, head } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    const pauses: (() => void)[] = [];
    const handDriven: Scheduler = {
      after: (delayMs, task) => {
        if (delayMs !== 20) return hasty.after(delayMs, task);
        pauses.push(task);
        return { cancel: () => {} };
      },
    };
    const projector = new Projector({
      store,
      readModel,
      clock: { now: () => Number.MAX_SAFE_INTEGER, elapsedMs: () => 0 },
      scheduler: handDriven,
      telemetry: silentTelemetry,
      config: { pauseMs: 20 },
    });
    projector.start();
    await reached(readModel, head);
    while (pauses.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await store.append('wallet-ann', [purchased('ann', 1, 8)], 2);
    await store.append('wallet-ann', [purchased('ann', 1, 9)], 3);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect((await readModel.wallet('ann'))?.row.coins).toBe(7);
    pauses.shift()!();
    await reached(readModel, (await store.head())!);
    expect((await readModel.wallet('ann'))?.row.coins).toBe(9);
    while (pauses.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await projector.stop();
    expect(projector.state().phase).toBe('stopped');
  });

  it('is ready at once on an empty log', async () => {
    const store = new InMemoryEventStore('store-a');
    const readModel = createMemoryReadModel();
    const projector = project(store, readModel);
    projector.start();
    while (!projector.state().ready) await new Promise((resolve) => setImmediate(resolve));
    expect(await readModel.wallet('ann')).toBeNull();
    await projector.stop();
  });

  it('lets others have the event loop while it catches up', async () => {
    const { store } = await storeWithWallet();
    for (let revision = 2; revision < 100; revision++) {
      await store.append('wallet-ann', [purchased('ann', 1, revision)], revision);
    }
    const projector = project(store, createMemoryReadModel());
    let turns = 0;
    projector.start();
    for (; !projector.state().ready; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBeGreaterThan(40);
    await projector.stop();
  });

  it('counts nothing twice when another projector works on the same read model', async () => {
    const { store } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    const projectors = [project(store, readModel), project(store, readModel)];
    for (const projector of projectors) projector.start();
    for (let revision = 2, balance = 8; revision < 40; revision++, balance++) {
      await store.append('wallet-ann', [purchased('ann', 1, balance)], revision);
    }
    await reached(readModel, (await store.head())!);
    while (projectors.some((projector) => !projector.state().ready))
      await new Promise((resolve) => setImmediate(resolve));
    expect((await readModel.wallet('ann'))?.row).toMatchObject({ coins: 45, purchasedCoins: 45 });
    await Promise.all(projectors.map((projector) => projector.stop()));
  });

  it('goes on from the stored checkpoint when the read model was away, whether or not the batch was applied', async () => {
    const { store, head } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    let calls = 0;
    const flaky = new Proxy(readModel, {
      get(target, name) {
        if (name === 'apply') {
          return async (batch: ReadModelBatch) => {
            if (++calls === 2) await target.apply(batch);
            if (calls < 5) throw new ReadModelError('unavailable', 'away');
            return target.apply(batch);
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const projector = project(store, flaky);
    projector.start();
    await reached(readModel, head);
    while (!projector.state().ready) await new Promise((resolve) => setImmediate(resolve));
    expect((await readModel.wallet('ann'))?.row).toMatchObject({ coins: 7, purchasedCoins: 7 });
    await projector.stop();
  });

  it('reads again when its read model is dropped under it', async () => {
    const { store, head } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    const projector = project(store, readModel);
    projector.start();
    await reached(readModel, head);
    await readModel.drop(0);
    const { positions } = await store.append('wallet-ann', [purchased('ann', 1, 8)], 2);
    await reached(readModel, positions[0]!);
    while (projector.state().phase !== 'live') await new Promise((resolve) => setImmediate(resolve));
    expect((await readModel.wallet('ann'))?.row).toMatchObject({ coins: 8, purchasedCoins: 8 });
    await projector.stop();
  });

  it.each([
    ['of another store', 'store-b', '0000000000000001'],
    ['beyond the end of the log', 'store-a', '0000000000000009'],
  ])('refuses a read model that is %s', async (_case, storeId, position) => {
    const { store } = await storeWithWallet();
    const readModel = createMemoryReadModel();
    const to = position as Position;
    await readModel.apply({ partition: 0, storeId, from: null, to, newestRecordedMs: null, writes: [] });
    const projector = project(store, readModel);
    projector.start();
    while (projector.state().phase !== 'refused') await new Promise((resolve) => setImmediate(resolve));
    expect(projector.state()).toMatchObject({ ready: false, reason: expect.any(String) });
    await projector.stop();
  });
});
