import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { openEventStoreDb, type EventStoreDb } from '@livegift/event-store-eventstoredb';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

const event = (data: unknown): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data,
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

/** The connection string names a node that is not the leader, and has nothing of what the leader has. */
describe('a follower of EventStoreDB', () => {
  let directory: string;
  let leader: EventStoreDbStandIn;
  let follower: EventStoreDbStandIn;
  let store: EventStoreDb;
  const serve = async (port = 0): Promise<void> => {
    leader = await EventStoreDbStandIn.start({ file: join(directory, 'log'), port });
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-stand-in-'));
    await serve();
    follower = await EventStoreDbStandIn.start({ leader: () => ({ host: '127.0.0.1', port: leader.port }) });
    store = await openEventStoreDb({ connectionString: follower.connectionString });
  });
  afterEach(async () => {
    await store.close();
    await leader.stop();
    await follower.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('sends on to the leader, which is appended to and read from', async () => {
    await store.append('s', [event(1), event(2)], 'no-stream');
    expect(await store.readStream('s', { limit: 9 })).toHaveLength(2);
    const direct = await openEventStoreDb({ connectionString: leader.connectionString });
    expect(direct.storeId).toBe(store.storeId);
    expect(await direct.readAll({ limit: 9 })).toHaveLength(2);
    await direct.close();
  });

  it('sends an append on too, which is then written once', async () => {
    await store.append('s', [event(1)], 'no-stream');
    const { port } = leader;
    await leader.stop();
    await serve(port);
    // Meets the connection that broke; after that the client begins anew where the connection string says.
    await store.head().catch(() => {});
    expect((await store.append('s', [event(2)], 0)).revision).toBe(1);
    expect((await store.readStream('s', { limit: 9 })).map(({ data }) => data)).toEqual([1, 2]);
  });

  it('is not taken for the whole log by a subscription that comes to it when the leader breaks off', async () => {
    const subscription = await store.subscribe({ after: null });
    while (!(await subscription.next())!.caughtUp);
    const { port } = leader;
    const pending = subscription.next();
    await leader.stop();
    await serve(port);
    const direct = await openEventStoreDb({ connectionString: leader.connectionString });
    await direct.append('s', [event(1)], 'no-stream');
    expect((await pending)!.events.map(({ data }) => data)).toEqual([1]);
    await direct.append('s', [event(2)], 0);
    expect((await subscription.next())!.events.map(({ data }) => data)).toEqual([2]);
    await direct.close();
  });

  it.each([
    ['by discovery', (port: number) => `esdb+discover://127.0.0.1:${port}?tls=false`],
    ['among several hosts, of which one is gone', (port: number) => `esdb://127.0.0.1:1,127.0.0.1:${port}?tls=false`],
    [
      'though followers are preferred',
      (port: number) => `esdb+discover://127.0.0.1:${port}?tls=false&nodePreference=follower`,
    ],
  ])('leads to the leader %s, and to the next one after it', async (_, connectionString) => {
    const found = await openEventStoreDb({ connectionString: connectionString(follower.port) });
    expect(found.storeId).toBe(store.storeId);
    await found.append('s', [event(1)], 'no-stream');
    await leader.stop();
    await serve();
    await found.head().catch(() => {});
    expect((await found.append('s', [event(2)], 0)).revision).toBe(1);
    await found.close();
  });
});
