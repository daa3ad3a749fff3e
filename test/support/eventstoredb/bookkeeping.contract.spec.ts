import { randomUUID } from 'node:crypto';
import { BACKWARDS, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import type { NewEvent } from '@livegift/kernel';
import { openEventStoreDb, type EventStoreDb } from '@livegift/event-store-eventstoredb';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

const event = (type = 'SomethingHappened'): NewEvent => ({
  id: randomUUID(),
  type,
  schemaVersion: 2,
  data: { n: 1 },
  metadata: { $correlationId: 'why', $causationId: 'what', recordedAt: '2026-03-01T12:00:00.000Z' },
});

describe('what else stands in an EventStoreDB', () => {
  let standIn: EventStoreDbStandIn;
  let store: EventStoreDb;
  let client: EventStoreDBClient;

  beforeEach(async () => {
    standIn = await EventStoreDbStandIn.start();
    store = await openEventStoreDb({ connectionString: standIn.connectionString });
    client = EventStoreDBClient.connectionString(standIn.connectionString);
  });
  afterEach(async () => {
    await store.close();
    await client.dispose();
    await standIn.stop();
  });

  it('is an event with our metadata under the names that EventStoreDB knows', async () => {
    const given = event();
    await store.append('wallet-1', [given], 'no-stream');
    const [read] = await all(client.readStream('wallet-1', { maxCount: 1 }));
    expect(read!.event).toMatchObject({
      type: 'SomethingHappened',
      isJson: true,
      data: { n: 1 },
      metadata: { ...given.metadata, schemaVersion: 2, eventId: given.id },
    });
    expect(Math.abs(read!.event!.created.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('has one entry a stream of snapshots and checkpoints, however often they are saved', async () => {
    const { positions } = await store.append('s', [event()], 'no-stream');
    for (let revision = 0; revision < 20; revision++) {
      await store.saveCheckpoint('projector', positions[0]!);
      await store.saveSnapshot('s', { stateVersion: 1, revision, position: positions[0]!, bytes: new Uint8Array(3) });
    }
    for (const stream of ['livegift-checkpoint-projector', 'livegift-snapshot-s']) {
      expect(await all(client.readStream(stream))).toHaveLength(1);
    }
  });

  it('has what was chosen once, by whoever was first, and not in the log', async () => {
    const offsets = ['+00:00', '+02:00', '-05:00'];
    const answers = await Promise.all(offsets.map((offset) => store.firstChoice('board-utc-offset', offset)));
    expect(new Set(answers).size).toBe(1);
    expect(offsets).toContain(answers[0]);
    expect(await store.firstChoice('board-utc-offset', '+14:00')).toBe(answers[0]);
    expect(await all(client.readStream('livegift-choice-board-utc-offset'))).toHaveLength(1);
    expect(await store.readAll({ limit: 10 })).toEqual([]);
  });

  it('saves checkpoints that come together with few appends, the last one last', async () => {
    const events = Array.from({ length: 30 }, () => event());
    const { positions } = await store.append('s', events, 'no-stream');
    await Promise.all(positions.map((position) => store.saveCheckpoint('fast', position)));
    expect(await store.loadCheckpoint('fast')).toEqual({ storeId: store.storeId, position: positions.at(-1) });
    const [newest] = await all(
      client.readStream('livegift-checkpoint-fast', { direction: BACKWARDS, fromRevision: 'end' }),
    );
    expect(Number(newest!.event!.revision)).toBeLessThan(5);
  });

  it('shows nothing of system events, bookkeeping and other programs to readers of the log', async () => {
    const subscription = await store.subscribe({ after: null });
    const { positions } = await store.append('s', [event()], 'no-stream');
    await store.saveCheckpoint('any', positions[0]!);
    await client.appendToStream('order-7', [jsonEvent({ type: 'OrderPlaced', data: { theirs: true } })]);
    await client.appendToStream('$stats', [jsonEvent({ type: '$statsCollected', data: {} })]);
    for (let n = 0; n < 40; n++) await client.appendToStream('order-8', [jsonEvent({ type: 'OrderPaid', data: {} })]);
    expect(await store.head()).toBe(positions[0]);
    expect((await store.readAll({ limit: 100 })).map(({ stream }) => stream)).toEqual(['s']);
    expect(await store.readAll({ limit: 100, direction: 'backwards' })).toHaveLength(1);
    const more = await store.append('s', [event()], 0);
    const seen: string[] = [];
    for (let through: string | null = null; through !== more.positions[0];) {
      const batch = (await subscription.next())!;
      seen.push(...batch.events.map(({ stream }) => stream));
      through = batch.through;
    }
    expect(seen).toEqual(['s', 's']);
    await expect(store.append('livegift.store', [event()], 'no-stream')).rejects.toThrow('belongs to the event store');
  });

  it('never says through beyond an event that it has yet to deliver, filtered and read slowly', async () => {
    const narrow = await openEventStoreDb({
      connectionString: standIn.connectionString,
      limits: { readAheadMax: 2 },
    });
    const types = Array.from({ length: 1_500 }, (_, n) => (n % 300 === 299 ? 'Wanted' : 'Other'));
    const { positions } = await narrow.append('s', types.slice(0, 750).map(event), 'no-stream');
    const second = await narrow.append('s', types.slice(750).map(event), 749);
    const wanted = [...positions, ...second.positions].filter((_, n) => types[n] === 'Wanted');
    const subscription = await narrow.subscribe({ after: null, types: ['Wanted'], batchEventsMax: 1 });
    const delivered: string[] = [];
    for (let caughtUp = false; !caughtUp;) {
      const batch = (await subscription.next())!;
      delivered.push(...batch.events.map(({ position }) => position));
      expect(delivered).toEqual(wanted.filter((position) => position <= batch.through!));
      ({ caughtUp } = batch);
    }
    expect(delivered).toEqual(wanted);
    await narrow.close();
  });

  it('has one id, whoever opens it first', async () => {
    const fresh = await EventStoreDbStandIn.start();
    const { connectionString } = fresh;
    const stores = await Promise.all(Array.from({ length: 5 }, () => openEventStoreDb({ connectionString })));
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1);
    expect(stores[0]!.storeId).not.toBe(store.storeId);
    await Promise.all(stores.map((each) => each.close()));
    await fresh.stop();
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
