import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SubscriptionBatch } from '@livegift/event-store';
import { openEventStoreDb, type EventStoreDb, type EventStoreDbLimits } from '@livegift/event-store-eventstoredb';
import { event } from './an-event.js';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

/** A way to a server on which everything can be held up, as by a server that hangs: connections stand, nothing comes. */
async function openWay(port: number): Promise<{ readonly port: number; hold(): void; letGo(): void; close(): void }> {
  const sockets = new Set<Socket>();
  let isHeld = false;
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      if (isHeld) socket.pause();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    letGo: () => {
      isHeld = false;
      for (const socket of sockets) socket.resume();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('EventStoreDB when things go wrong', () => {
  let directory: string;
  let standIn: EventStoreDbStandIn;
  let store: EventStoreDb;
  const counted = new Map<string, number>();
  const quiet = { gauge: () => {}, observe: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const telemetry = { ...quiet, count: (name: string, by = 1) => counted.set(name, (counted.get(name) ?? 0) + by) };

  const serve = async (port = 0): Promise<void> => {
    standIn = await EventStoreDbStandIn.start({ file: join(directory, 'log'), port });
  };
  const openWith = async (limits: Partial<EventStoreDbLimits> = {}): Promise<EventStoreDb> => {
    store = await openEventStoreDb({ connectionString: standIn.connectionString, telemetry, limits });
    return store;
  };

  const heard = async (): Promise<void> => {
    const isHeard = (): Promise<boolean> =>
      store.head().then(
        () => true,
        () => false,
      );
    while (!(await isHeard()));
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-stand-in-'));
    counted.clear();
    await serve();
  });
  afterEach(async () => {
    await store.close();
    await standIn.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('says that the outcome is unknown when the answer is lost, and the events are there', async () => {
    await openWith();
    standIn.faults.appendsUnanswered = 1;
    await expect(store.append('s', [event()], 'no-stream')).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    expect(await store.readStream('s', { limit: 9 })).toHaveLength(1);
    await expect(store.append('s', [event()], 'no-stream')).rejects.toMatchObject({ actual: 0 });
  });

  it.each([
    ['unavailable', 'is not ready', 'appendsRefused'],
    ['unavailable', 'knows of no leader', 'appendsLeaderless'],
    ['append-too-large', 'takes no event of that size', 'eventsTooLarge'],
  ] as const)('says %s, not unknown, when the server %s, and goes on', async (code, _, fault) => {
    await openWith();
    standIn.faults[fault] = 1;
    await expect(store.append('s', [event()], 'no-stream')).rejects.toMatchObject({ code });
    await store.append('s', [event()], 'no-stream');
    expect(await store.readStream('s', { limit: 9 })).toHaveLength(1);
  });

  it.each([
    ['ends the call in peace', 'appendCallsEnded'],
    ['answers what nobody can understand', 'answersEmpty'],
    ['answers success without a revision', 'answersNowhere'],
  ] as const)('says that the outcome is unknown when the server %s, and goes on', async (_, fault) => {
    await openWith();
    standIn.faults[fault] = 1;
    await expect(store.append('s', [event()], 'no-stream')).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    expect((await store.append('s', [event()], 0)).revision).toBe(1);
  });

  it('knows its appends by either form of their ids', async () => {
    await openWith({ deadlineMs: 1_000 });
    standIn.faults.answersStructured = 40;
    const streams = Array.from({ length: 40 }, (_, n) => `structured-${n}`);
    for (const { revision } of await Promise.all(streams.map((s) => store.append(s, [event()], 'no-stream')))) {
      expect(revision).toBe(0);
    }
  });

  it('opens another call when one takes appends and says nothing', async () => {
    await openWith({ deadlineMs: 300 });
    standIn.faults.appendCallsDead = 1;
    const attempts = [1, 2].map((n) => store.append(`dead-${n}`, [event()], 'no-stream'));
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    await heard();
    expect((await store.append('s', [event()], 'no-stream')).revision).toBe(0);
  });

  it('does not send later what found no server in time', async () => {
    const way = await openWay(standIn.port);
    const hosts = `127.0.0.1:${way.port},127.0.0.1:${way.port}`;
    const limits = { deadlineMs: 300 };
    store = await openEventStoreDb({ connectionString: `esdb://${hosts}?tls=false`, telemetry, limits });
    way.hold();
    const { port } = standIn;
    await standIn.stop();
    // Meets the connection that broke; after that the client asks the hosts, over the way, where the nodes are.
    await store.head().catch(() => {});
    await serve(port);
    await expect(store.append('s', [event()], 'no-stream')).rejects.toMatchObject({ code: 'unavailable' });
    // The call would have gone on by itself where the search did.
    await new Promise((resolve) => setTimeout(resolve, 2 * limits.deadlineMs));
    way.letGo();
    await heard();
    for (let n = 0; n < 5; n++) await store.append(`other-${n}`, [event()], 'no-stream');
    expect(await store.readStream('s', { limit: 1 })).toHaveLength(0);
    await store.close();
    way.close();
  });

  it('bears that its call breaks while another node is looked for in vain', async () => {
    const way = await openWay(standIn.port);
    const hosts = `127.0.0.1:${way.port},127.0.0.1:${way.port}`;
    const search = 'maxDiscoverAttempts=1&discoveryInterval=300';
    store = await openEventStoreDb({ connectionString: `esdb://${hosts}?tls=false&${search}`, telemetry });
    await store.append('s', [event()], 'no-stream');
    way.close();
    standIn.faults.readsFailing = 1;
    await expect(store.head()).rejects.toMatchObject({ code: 'unavailable' });
    const searching = store.head().catch((error: { code: string }) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await standIn.stop();
    // An error that the client lets go of would end the process now.
    expect(await searching).toBe('unavailable');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await serve(standIn.port);
  });

  it('says that the outcome is unknown when the events that it wrote cannot be read back', async () => {
    await openWith();
    standIn.faults.readsFailing = 3;
    const appended = store.append('s', [event(), event()], 'no-stream');
    await expect(appended).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    expect(await store.readStream('s', { limit: 9 })).toHaveLength(2);
  });

  it('answers unavailable soon while there is no server, and works again when it is back', async () => {
    await openWith();
    await store.append('s', [event()], 'no-stream');
    const { port } = standIn;
    await standIn.stop();
    // The first call may meet the connection as it breaks.
    await store.head().catch(() => {});
    const attempts = [store.append('s', [event()], 0), store.readStream('s', { limit: 1 }), store.head()];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'unavailable' });
    await serve(port);
    expect((await store.append('s', [event()], 0)).revision).toBe(1);
  });

  it('waits once for a server that hangs, tells whoever comes then at once, and works again when it is heard', async () => {
    const way = await openWay(standIn.port);
    const deadlineMs = 400;
    const connectionString = `esdb://127.0.0.1:${way.port}?tls=false`;
    store = await openEventStoreDb({ connectionString, telemetry, limits: { deadlineMs } });
    await store.append('s', [event()], 'no-stream');
    way.hold();
    await expect(store.append('s', [event()], 0)).rejects.toMatchObject({ code: 'append-outcome-unknown' });
    for (let asked = 0; asked < 3; asked++) {
      const beganMs = performance.now();
      await expect(store.append('s', [event()], 0)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.readStream('s', { limit: 1 })).rejects.toMatchObject({ code: 'unavailable' });
      expect(performance.now() - beganMs).toBeLessThan(deadlineMs / 2);
    }
    way.letGo();
    let written: readonly unknown[] = [];
    while (written.length === 0) written = await store.readStream('s', { limit: 9 }).catch(() => []);
    // What was on its way when it hung may have got there; what was refused at once has not.
    expect((await store.append('s', [event()], written.length - 1)).revision).toBe(written.length);
    expect(written.length).toBeLessThanOrEqual(2);
    await store.close();
    way.close();
  });

  it('goes on asking a server that lets one call wait and answers others', async () => {
    await openWith({ deadlineMs: 300 });
    standIn.faults.appendsHeldUp = 1;
    const held = store.append('held', [event()], 'no-stream').catch((error: { code: string }) => error.code);
    for (let n = 0; n < 8; n++) {
      await store.append(`other-${n}`, [event()], 'no-stream');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(await held).toBe('append-outcome-unknown');
    await store.append('other', [event()], 'no-stream');
  });

  it('knows nothing of what was on its way with an append whose call broke off, and other stores are not touched', async () => {
    await openWith();
    const limits = { deadlineMs: 1_000 };
    const other = await openEventStoreDb({ connectionString: standIn.connectionString, limits });
    await store.append('first', [event()], 'no-stream');
    await other.append('other', [event()], 'no-stream');
    standIn.faults.appendsHeldUp = 2;
    const held = store.append('held', [event()], 'no-stream').catch((error: { code: string }) => error.code);
    const heldOfOther = other.append('held too', [event()], 'no-stream').catch((error: { code: string }) => error.code);
    while (standIn.faults.appendsHeldUp > 0) await new Promise(setImmediate);
    standIn.faults.appendsUnanswered = 1;
    await expect(store.append('lost', [event()], 'no-stream')).rejects.toMatchObject({
      code: 'append-outcome-unknown',
    });
    expect(await held).toBe('append-outcome-unknown');
    expect((await other.append('other', [event()], 0)).revision).toBe(1);
    expect((await store.append('first', [event()], 0)).revision).toBe(1);
    expect(await Promise.race([heldOfOther, Promise.resolve('still waits')])).toBe('still waits');
    await other.close();
    expect(await heldOfOther).toBe('append-outcome-unknown');
  });

  it('tells the truth about each append that a crash of the server meets', async () => {
    await openWith();
    const { port } = standIn;
    const sent = Array.from({ length: 60 }, (_, n) => store.append(`crash-${n}`, [event()], 'no-stream'));
    const settled = Promise.allSettled(sent);
    await sent[3];
    await standIn.stop();
    const outcomes = await settled;
    await serve(port);
    const seen: string[] = [];
    for (const [n, outcome] of outcomes.entries()) {
      const told = outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code;
      const there = (await store.readStream(`crash-${n}`, { limit: 2 })).length;
      seen.push(told === 'append-outcome-unknown' ? told : `${told} ${there}`);
    }
    const truths = ['append-outcome-unknown', 'done 1', 'unavailable 0'];
    expect(seen.filter((what) => !truths.includes(what))).toEqual([]);
    expect(seen).toContain('done 1');
  });

  it('takes a subscription up again where it broke off: nothing lost, nothing twice, in order', async () => {
    await openWith({ readAheadMax: 8 });
    const subscription = await store.subscribe({ after: null, batchEventsMax: 5 });
    const delivered: number[] = [];
    const reading = (async () => {
      while (delivered.length < 60) {
        const batch: SubscriptionBatch | null = await subscription.next();
        delivered.push(...batch!.events.map(({ data }) => (data as { n: number }).n));
      }
    })();
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 10) {
        const { port } = standIn;
        await standIn.stop();
        await serve(port);
        while (
          !(await store.head().then(
            () => true,
            () => false,
          ))
        );
      }
      await store.append('s', [event({ n })], n === 0 ? 'no-stream' : n - 1);
    }
    await reading;
    expect(delivered).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(counted.get('event_store_resubscriptions_total')).toBeGreaterThan(0);
  });

  it('gives a subscription up with unavailable after giveUpMs', async () => {
    await openWith({ giveUpMs: 100 });
    const subscription = await store.subscribe({ after: null });
    expect((await subscription.next())!.caughtUp).toBe(true);
    await standIn.stop();
    await expect(subscription.next()).rejects.toMatchObject({ code: 'unavailable' });
    await serve(standIn.port);
  });

  it('lets inFlightMax appends and queueLengthMax waiting ones in, refuses the others as overloaded and counts them', async () => {
    await openWith({ inFlightMax: 2, queueLengthMax: 3 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => store.append(`stream-${n}`, [event()], 'no-stream')),
    );
    const codes = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'done',
    );
    expect(codes).toEqual([...Array<string>(5).fill('done'), ...Array<string>(3).fill('overloaded')]);
    expect(counted.get('event_store_overloaded_total')).toBe(3);
  });

  it('reads and appends while a subscription that nobody pulls holds back megabytes', async () => {
    await openWith({ readAheadMax: 2 });
    const subscription = await store.subscribe({ after: null, batchEventsMax: 1 });
    expect((await subscription.next())!.caughtUp).toBe(true);
    const large = 'x'.repeat(500_000);
    for (let n = 0; n < 12; n++) await store.append('large', [event(large)], n === 0 ? 'no-stream' : n - 1);
    expect(await store.readStream('large', { limit: 12 })).toHaveLength(12);
    let revisions = 0;
    while (revisions < 12) revisions += (await subscription.next())!.events.length;
  });

  it('waits for a server that is not there yet, and gives up after openMs', async () => {
    await openWith();
    const { port, connectionString } = standIn;
    await standIn.stop();
    await expect(openEventStoreDb({ connectionString, limits: { openMs: 150 } })).rejects.toMatchObject({
      code: 'unavailable',
    });
    const opening = openEventStoreDb({ connectionString });
    await serve(port);
    const second = await opening;
    expect(second.storeId).toBe(store.storeId);
    await second.close();
  });
});
