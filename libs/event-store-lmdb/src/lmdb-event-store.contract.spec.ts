import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventStoreContract } from '@livegift/event-store/contract';
import { openLmdbEventReader } from './lmdb-event-reader.js';
import { openLmdbEventStore } from './lmdb-event-store.js';
import type { LmdbEventStoreOptions } from './lmdb-event-store.options.js';

function harness(limits: Partial<LmdbEventStoreOptions>) {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'livegift-lmdb-'));
    const open = () => openLmdbEventStore({ directory, ...limits });
    let store = await open();
    return {
      store,
      ids: { uuid: () => randomUUID() },
      restart: async () => {
        await store.close();
        store = await open();
        return store;
      },
      openReader: () => openLmdbEventReader({ directory, pollMs: 5 }),
      close: async () => {
        await store.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  };
}

describeEventStoreContract('lmdb', harness({}));

// With hardly anything kept in memory every read goes to the disk, and the index is written all the time.
describeEventStoreContract(
  'lmdb, everything from disk',
  harness({
    recentEventsMax: 1,
    blocksKeptBytesMax: 1,
    headsKeptMax: 2,
    indexInMemoryEvents: 16,
    commitEventsMax: 10_000,
  }),
);
