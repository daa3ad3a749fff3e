import { silentTelemetry, type NewEvent, type Scheduler } from '@livegift/kernel';
import type { EventStore } from '@livegift/event-store';
import { InMemoryEventStore } from '@livegift/testing';
import { HistoryGuard } from './history-guard.js';

const STORE = '9f1f2b1e-8a53-4c08-9d5c-3f0a3b1d2c4e';
const scheduler: Scheduler = { after: () => ({ cancel: () => {} }) };

let events = 0;
const event = (): NewEvent => ({
  id: `00000000-0000-4000-8000-${String(++events).padStart(12, '0')}`,
  type: 'SomethingHappened',
  schemaVersion: 1,
  data: {},
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

/** A server in whose place another one can be put. */
function replaceable(first: EventStore): { store: EventStore; replaceBy(other: EventStore): void } {
  let current = first;
  const forwarded = new Proxy(first, {
    get: (_, name) => {
      const value: unknown = Reflect.get(current, name, current);
      return typeof value === 'function' ? value.bind(current) : value;
    },
  });
  return { store: forwarded, replaceBy: (other) => void (current = other) };
}

/** A store with these streams, an event each, in this order. */
async function storeOf(...streams: string[]): Promise<InMemoryEventStore> {
  const store = new InMemoryEventStore(STORE);
  for (const stream of streams) await append(store, stream);
  return store;
}

async function append(store: EventStore, stream: string): Promise<void> {
  const [newest] = await store.readStream(stream, { direction: 'backwards', limit: 1 });
  await store.append(stream, [event()], newest?.revision ?? 'no-stream');
}

describe('the guard of the history', () => {
  let guard: HistoryGuard;
  let server: ReturnType<typeof replaceable>;
  let gauges: Record<string, number>;

  beforeEach(async () => {
    gauges = {};
    server = replaceable(await storeOf('a', 'a', 'b'));
    const telemetry = { ...silentTelemetry, gauge: (name: string, value: number) => void (gauges[name] = value) };
    guard = new HistoryGuard(server.store, { scheduler, telemetry });
    await guard.look();
  });

  const expectLost = async (says: RegExp): Promise<void> => {
    expect(guard.isReady()).toBe(false);
    expect(guard.reason()).toMatch(says);
    expect(guard.reason()).toMatch(/livegift restore/);
    expect(gauges['history_lost']).toBe(1);
    const refusal = { code: 'unavailable', message: expect.stringMatching(says) };
    await expect(guard.store.append('z', [event()], 'no-stream')).rejects.toMatchObject(refusal);
    await expect(guard.store.readStream('a', { limit: 1 })).rejects.toMatchObject(refusal);
    await expect(guard.store.loadCheckpoint('settlement')).rejects.toMatchObject(refusal);
    await expect(guard.store.subscribe({ after: null })).rejects.toMatchObject(refusal);
  };

  it('lets everything through while the log only grows', async () => {
    await Promise.all(['c', 'd', 'e'].map((stream) => append(guard.store, stream)));
    await append(server.store, 'f');
    await guard.look();
    expect(await guard.store.head()).toBe(await server.store.head());
    await append(guard.store, 'a');
    await guard.look();
    expect([guard.isReady(), guard.reason(), gauges['history_lost']]).toEqual([true, null, 0]);
  });

  it('notices that the log ends earlier', async () => {
    server.replaceBy(await storeOf('a', 'a'));
    await guard.look().catch(() => {});
    await expectLost(/ends at .* and reached/);
  });

  it('notices that the log is empty', async () => {
    server.replaceBy(await storeOf());
    await expect(guard.store.head()).rejects.toMatchObject({ code: 'unavailable' });
    await expectLost(/ends at its beginning/);
  });

  it('notices that another event stands where the newest one was, though the log has grown beyond', async () => {
    server.replaceBy(await storeOf('a', 'a', 'b', 'c', 'd'));
    await guard.look().catch(() => {});
    await expectLost(/another event stands at b 0/);
  });

  it('notices it by an append that lands before what was seen, and does not acknowledge it', async () => {
    server.replaceBy(await storeOf('a'));
    await expect(guard.store.append('new', [event()], 'no-stream')).rejects.toMatchObject({ code: 'unavailable' });
    await expectLost(/ends at .* and reached/);
  });

  it('notices it by a stream that is shorter than it was known to be', async () => {
    server.replaceBy(await storeOf('x', 'x', 'x', 'x'));
    await expect(guard.store.append('a', [event()], 1)).rejects.toMatchObject({ code: 'wrong-expected-revision' });
    await expectLost(/another event stands at b 0/);
  });

  it('does not take a store that does not answer for one that went back', async () => {
    server.replaceBy(new Proxy(server.store, { get: () => () => Promise.reject(new Error('away')) }));
    await expect(guard.look()).rejects.toThrow('away');
    expect(guard.isReady()).toBe(true);
  });
});
