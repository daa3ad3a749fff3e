import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventStoreDb, type EventStoreDb } from '@livegift/event-store-eventstoredb';
import { event } from './an-event.js';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

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

  describe('that was the leader until now', () => {
    /** Written, and not answered when the node that wrote it gives up. */
    const depose = async (was: EventStoreDbStandIn, made: { elsewhere: { host: string; port: number } | null }) => {
      was.faults.appendsHeldUp = 1;
      const held = store.append('held', [event(1)], 'no-stream').catch((error: { code: string }) => error.code);
      while (was.faults.appendsHeldUp > 0) await new Promise(setImmediate);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await leader.stop();
      await serve();
      made.elsewhere = { host: '127.0.0.1', port: leader.port };
      return held;
    };
    const elect = async () => {
      await store.close();
      const made = { elsewhere: null as { host: string; port: number } | null };
      const was = await EventStoreDbStandIn.start({ file: join(directory, 'log'), leader: () => made.elsewhere });
      store = await openEventStoreDb({ connectionString: was.connectionString });
      return { was, made };
    };

    it.each([0, 1])('had appends under way, %i answered before: each is asked of the next leader', async (answered) => {
      const { was, made } = await elect();
      for (let n = 0; n < answered; n++) await store.append('before', [event(0)], 'no-stream');
      const held = depose(was, made);
      while (made.elsewhere === null) await new Promise(setImmediate);
      expect((await store.append('s', [event(2)], 'no-stream')).revision).toBe(0);
      const [written] = await store.readStream('held', { limit: 2 });
      expect(await held).toEqual({ revision: 0, positions: [written!.position] });
      expect(await store.readStream('held', { limit: 2 })).toHaveLength(1);
      await store.close();
      await was.stop();
    });

    it('had appends under way: that they did nothing is not known where the next leader cannot say it', async () => {
      const { was, made } = await elect();
      const held = depose(was, made);
      while (made.elsewhere === null) await new Promise(setImmediate);
      leader.faults.appendsRefused = 2;
      await expect(store.append('s', [event(2)], 'no-stream')).rejects.toMatchObject({
        code: 'append-outcome-unknown',
      });
      expect(await held).toBe('append-outcome-unknown');
      expect(await store.readStream('held', { limit: 2 })).toHaveLength(1);
      await store.close();
      await was.stop();
    });
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
