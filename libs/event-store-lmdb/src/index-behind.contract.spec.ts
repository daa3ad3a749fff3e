import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

const INDEX_IN_MEMORY_EVENTS = 8;

const event = (): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data: {},
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

describe('an index that is written behind', () => {
  let directory: string;
  let store: LmdbEventStore;

  const opened = (): Promise<LmdbEventStore> =>
    openLmdbEventStore({ directory, indexInMemoryEvents: INDEX_IN_MEMORY_EVENTS });
  /** One commit each, enough that what stood in memory before is on disk after. */
  const others = async (name: string): Promise<void> => {
    for (let n = 0; n < 3 * INDEX_IN_MEMORY_EVENTS; n++) await store.append(`${name}-${n}`, [event()], 'no-stream');
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-index-'));
    store = await opened();
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('does not go back to where a stream ended before it grew', async () => {
    await store.append('wallet', [event()], 'no-stream');
    await others('before');
    expect(await store.readStream('wallet', { limit: 10 })).toHaveLength(1);
    await store.append('wallet', [event()], 0);
    await others('after');
    await expect(store.append('wallet', [event()], 0)).rejects.toMatchObject({ code: 'wrong-expected-revision' });
    expect((await store.append('wallet', [event()], 1)).revision).toBe(2);
    expect((await store.readStream('wallet', { limit: 10 })).map(({ revision }) => revision)).toEqual([0, 1, 2]);
  });

  it('lacks nothing of what a commit that failed was to write of it', async () => {
    const { meta } = store['environment'];
    let names = 0;
    const attempted: string[] = [];
    for (let n = 0; n < 6 * INDEX_IN_MEMORY_EVENTS; n++) {
      // Every other commit fails, so also those that carry a part of the index.
      const commits = jest.spyOn(meta, 'ifVersion').mockImplementation(() => Promise.reject(new Error('i/o error')));
      await expect(store.append('in-vain', [event()], 'no-stream')).rejects.toMatchObject({ code: 'unavailable' });
      commits.mockRestore();
      attempted.push(`stream-${names}`);
      await store.append(`stream-${names++}`, [event()], 'no-stream');
    }
    for (const reopened of [false, true]) {
      if (reopened) {
        await store.close();
        store = await opened();
      }
      for (const stream of attempted) expect(await store.readStream(stream, { limit: 10 })).toHaveLength(1);
    }
  });
});
