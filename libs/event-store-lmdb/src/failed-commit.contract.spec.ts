import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

const event = (data: unknown = {}): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data,
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

const codesOf = async (attempts: Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(attempts)).map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as { code: unknown }).code : 'fulfilled',
  );

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

describe('a commit that fails', () => {
  let directory: string;
  let store: LmdbEventStore;
  /** Every commit is a transaction that begins with this condition. */
  const meta = () => store['environment'].meta;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-failing-'));
    store = await openLmdbEventStore({ directory, commitEventsMax: 4 });
    await store.append('before', [event()], 'no-stream');
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('with nothing written refuses all that was built on it, and the store goes on', async () => {
    const commits = jest.spyOn(meta(), 'ifVersion').mockImplementation(() => Promise.reject(new Error('i/o error')));
    const subscription = await store.subscribe({ after: null });
    await subscription.next();
    const attempts = [
      ...Array.from({ length: 10 }, (_, n) => store.append(`stream-${n}`, [event()], 'no-stream')),
      store.append('stream-0', [event()], 0),
      // Would lose against an append that is under way, and that fails.
      store.append('stream-1', [event()], 'no-stream'),
    ];
    expect(new Set(await codesOf(attempts))).toEqual(new Set(['unavailable']));
    commits.mockRestore();
    expect(await store.readStream('stream-0', { limit: 10 })).toEqual([]);
    const { positions } = await store.append('stream-0', [event({ after: true })], 'no-stream');
    expect(positions).toEqual(['0000000000000002']);
    expect((await subscription.next())!.events.map(({ data }) => data)).toEqual([{ after: true }]);
  });

  it('with an outcome that nobody knows says so, and writes nothing more until it is opened again', async () => {
    const ifVersion = meta().ifVersion.bind(meta());
    const commits = jest.spyOn(meta(), 'ifVersion').mockImplementation(async (...condition) => {
      await ifVersion(...condition);
      throw new Error('i/o error');
    });
    const attempts = Array.from({ length: 6 }, (_, n) => store.append(`stream-${n}`, [event()], 'no-stream'));
    const unknown = 'append-outcome-unknown';
    expect(await codesOf(attempts)).toEqual([unknown, unknown, unknown, unknown, 'unavailable', 'unavailable']);
    commits.mockRestore();
    expect(await codesOf([store.append('later', [event()], 'no-stream')])).toEqual(['unavailable']);
    expect(await store.head()).toBe('0000000000000001');
    await store.close();
    store = await openLmdbEventStore({ directory });
    expect(await store.head()).toBe('0000000000000005');
    await store.append('later', [event()], 'no-stream');
  });
});
