import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from '@livegift/event-store';
import type { NewEvent, Position } from '@livegift/kernel';
import { openEventStoreDb, type EventStoreDb } from '@livegift/event-store-eventstoredb';
import { event } from './an-event.js';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

/** What a subscription is told of how far the server has looked is not the same, nor always true, in all versions. */
describe('checkpoints of an EventStoreDB', () => {
  let directory: string;
  let standIn: EventStoreDbStandIn;
  let store: EventStoreDb;

  const serve = async (port = 0): Promise<EventStoreDbStandIn> =>
    await EventStoreDbStandIn.start({ file: join(directory, 'log'), port });
  /** Appends while the server cannot be reached where the subscription looks for it. */
  const appendElsewhere = async (stream: string, events: readonly NewEvent[]): Promise<void> => {
    const { port } = standIn;
    await standIn.stop();
    const elsewhere = await serve();
    const other = await openEventStoreDb({ connectionString: elsewhere.connectionString });
    await other.append(stream, events, 'no-stream');
    await other.close();
    await elsewhere.stop();
    standIn = await serve(port);
  };
  const live = async (subscription: Subscription): Promise<Subscription> => {
    while (!(await subscription.next())!.caughtUp);
    return subscription;
  };
  const pulled = async (subscription: Subscription, count: number): Promise<unknown[]> => {
    const data: unknown[] = [];
    while (data.length < count) data.push(...(await subscription.next())!.events.map((each) => each.data));
    return data.slice(0, count);
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-stand-in-'));
    standIn = await serve();
    store = await openEventStoreDb({ connectionString: standIn.connectionString });
  });
  afterEach(async () => {
    await store.close();
    await standIn.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('do not hide the event at which they stand', async () => {
    standIn.faults.checkpointsAhead = 1;
    const subscription = await live(await store.subscribe({ after: null }));
    const pulling = pulled(subscription, 2);
    await store.append('s', [event(1)], 'no-stream');
    await store.append('s', [event(2)], 0);
    await store.append('s', [event(3)], 1);
    expect(await pulling).toEqual([1, 2]);
  });

  it('do not lead to the end of the log when they say nothing', async () => {
    standIn.faults.checkpointsNowhere = 1;
    const subscription = await live(await store.subscribe({ after: null }));
    await appendElsewhere('s', [event(1), event(2)]);
    expect(await pulled(subscription, 2)).toEqual([1, 2]);
  });

  it('do not cost the event behind them when a subscription is taken up again', async () => {
    const subscription = await live(await store.subscribe({ after: null, types: ['Wanted'] }));
    // With the one that holds the store's id they are what a server looks through before it says how far it is.
    const others = Array.from({ length: 499 }, () => event({}, 'Other'));
    const { positions } = await store.append('others', others, 'no-stream');
    for (let through = ''; through < positions.at(-1)!;) through = (await subscription.next())!.through!;
    await appendElsewhere('s', [event(1, 'Wanted'), event(2, 'Wanted')]);
    expect(await pulled(subscription, 2)).toEqual([1, 2]);
  });

  it('do not cost the event behind them when another subscription begins there', async () => {
    const { positions } = await store.append('s', [event(1), event(2), event(3)], 'no-stream');
    const between = `${positions[0]!.slice(0, 20)}${'0'.repeat(20)}` as (typeof positions)[0];
    const subscription = await store.subscribe({ after: { storeId: store.storeId, position: between! } });
    expect(await pulled(subscription, 3)).toEqual([1, 2, 3]);
  });

  it('lose no event to a backwards read that begins at one', async () => {
    const { positions } = await store.append('s', [event(0), event(1), event(2)], 'no-stream');
    const after = `${positions[2]!.slice(0, 20)}${'0'.repeat(20)}` as Position;
    const read = await store.readAll({ direction: 'backwards', after, limit: 2 });
    expect(read.map(({ data }) => data)).toEqual([1, 0]);
  });

  it.each([0, 1000])('are foreign at once where no record begins, %i refusals without the reason', async (unnamed) => {
    const { positions } = await store.append('s', [event(1), event(2)], 'no-stream');
    const inside = String(BigInt(positions[0]!.slice(0, 20)) + 1n).padStart(20, '0');
    const after = { storeId: store.storeId, position: `${inside}${inside}` as Position };
    standIn.faults.positionsUnnamed = unnamed;
    await expect(store.subscribe({ after })).rejects.toMatchObject({ code: 'checkpoint-foreign' });
  });

  it('are not foreign because one read fails', async () => {
    const { positions } = await store.append('s', [event(1), event(2)], 'no-stream');
    standIn.faults.readsErring = 1;
    const subscription = await store.subscribe({ after: { storeId: store.storeId, position: positions[0]! } });
    expect(await pulled(subscription, 1)).toEqual([2]);
  });

  it.each([
    ['foreign', 'and has grown again', 2_000, 'checkpoint-foreign'],
    ['out of reach', 'or has not got there', null, 'unavailable'],
  ])('are %s to a subscription taken up on a server that lost its tail %s', async (_, __, grownBy, code) => {
    await store.close();
    // Longer than the test may take: what is foreign does not wait for it.
    const giveUpMs = code === 'checkpoint-foreign' ? 60_000 : 300;
    store = await openEventStoreDb({ connectionString: standIn.connectionString, limits: { giveUpMs } });
    const subscription = await store.subscribe({ after: null });
    const before = readFileSync(join(directory, 'log'));
    await store.append('s', [event(1), event(2)], 'no-stream');
    await pulled(subscription, 2);
    const { port } = standIn;
    await standIn.stop();
    writeFileSync(join(directory, 'log'), before);
    if (grownBy !== null) {
      const elsewhere = await serve();
      const other = await openEventStoreDb({ connectionString: elsewhere.connectionString });
      await other.append('t', [event({ text: 'x'.repeat(grownBy) }), event(3)], 'no-stream');
      await other.close();
      await elsewhere.stop();
    }
    standIn = await serve(port);
    const ended = async (): Promise<never> => {
      for (;;) await subscription.next();
    };
    await expect(ended()).rejects.toMatchObject({ code });
  });
});
