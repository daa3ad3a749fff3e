import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';
import type { LmdbEventStoreOptions } from './lmdb-event-store.options.js';

const event = (data: unknown = {}): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data,
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

describe('the bounds of the embedded store', () => {
  let directory: string;
  let store: LmdbEventStore;
  const counted = new Map<string, number>();
  const quiet = { gauge: () => {}, observe: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const telemetry = { ...quiet, count: (name: string, by = 1) => counted.set(name, (counted.get(name) ?? 0) + by) };
  const openWith = async (limits: Partial<LmdbEventStoreOptions>): Promise<LmdbEventStore> => {
    store = await openLmdbEventStore({ directory, telemetry, ...limits });
    return store;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-bounds-'));
    counted.clear();
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('refuses appends over queueEventsMax as overloaded, writes nothing of them, counts them, and goes on', async () => {
    await openWith({ queueEventsMax: 10 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 15 }, (_, n) => store.append(`stream-${n}`, [event()], 'no-stream')),
    );
    const refused = outcomes.flatMap((outcome, n) =>
      outcome.status === 'rejected' ? [{ n, reason: outcome.reason as unknown }] : [],
    );
    expect(refused.map(({ n }) => n)).toEqual([10, 11, 12, 13, 14]);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded' });
    expect(counted.get('event_store_overloaded_total')).toBe(5);
    expect(await store.readAll({ limit: 100 })).toHaveLength(10);
    await store.append('stream-10', [event()], 'no-stream');
  });

  it('lets one append through that is alone larger than the queue', async () => {
    await openWith({ queueEventsMax: 10 });
    const events = Array.from({ length: 50 }, () => event());
    expect((await store.append('large', events, 'no-stream')).revision).toBe(49);
  });

  it('splits what waits into transactions of commitEventsMax, in order', async () => {
    await openWith({ commitEventsMax: 20, appendEventsMax: 20 });
    const sent = Array.from({ length: 40 }, (_, n) =>
      store.append('one', [event({ n }), event({ n })], n === 0 ? 'no-stream' : 2 * n - 1),
    );
    await Promise.all(sent);
    const numbers = (await store.readStream('one', { limit: 100 })).map(({ data }) => (data as { n: number }).n);
    expect(numbers).toEqual(Array.from({ length: 80 }, (_, at) => at >> 1));
  });

  it('goes on in order when appendInOrder is longer than the queue', async () => {
    await openWith({ queueEventsMax: 8 });
    const entries = Array.from({ length: 50 }, (_, n) => ({
      stream: `stream-${n}`,
      events: [event({ n })],
      expected: 'no-stream' as const,
    }));
    const { results, failure } = await store.appendInOrder(entries);
    expect(failure).toBeUndefined();
    expect(results).toHaveLength(50);
    const log = await store.readAll({ limit: 100 });
    expect(log.map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('refuses a snapshot over snapshotBytesMax', async () => {
    await openWith({ snapshotBytesMax: 100 });
    const { positions } = await store.append('any', [event()], 'no-stream');
    const snapshot = { stateVersion: 1, revision: 0, position: positions[0]!, bytes: new Uint8Array(101) };
    await expect(store.saveSnapshot('any', snapshot)).rejects.toMatchObject({ code: 'append-too-large' });
  });

  it('reads at most readEventsMax events, whatever is asked for', async () => {
    await openWith({});
    for (let n = 0; n < 3; n++) {
      const events = Array.from({ length: 4_000 }, () => event());
      await store.append('long', events, n === 0 ? 'no-stream' : n * 4_000 - 1);
    }
    expect(await store.readAll({ limit: 1_000_000 })).toHaveLength(store.readEventsMax);
    expect(await store.readStream('long', { limit: 1_000_000 })).toHaveLength(store.readEventsMax);
  });

  it('finds every event again while the map grows and the index is written behind, and after a restart', async () => {
    await openWith({ indexInMemoryEvents: 200, recentEventsMax: 50 });
    const pad = 'p'.repeat(2_000);
    const streams = Array.from({ length: 50 }, (_, n) => `stream-${n}`);
    for (let round = 0; round < 60; round++) {
      const expected = round === 0 ? 'no-stream' : round - 1;
      await Promise.all(streams.map((stream) => store.append(stream, [event({ round, pad })], expected)));
    }
    for (const open of [false, true]) {
      if (open) {
        await store.close();
        await openWith({ indexInMemoryEvents: 200 });
      }
      for (const stream of streams) {
        const rounds = (await store.readStream(stream, { limit: 100 })).map(
          ({ data }) => (data as { round: number }).round,
        );
        expect(rounds).toEqual(Array.from({ length: 60 }, (_, round) => round));
      }
    }
  });
});
