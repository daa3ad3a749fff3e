import { randomUUID } from 'node:crypto';
import { describeEventStoreContract } from '@livegift/event-store/contract';
import { InMemoryDisk, InMemoryEventStore } from './in-memory-event-store.js';

describeEventStoreContract('in-memory', async () => {
  const disk = new InMemoryDisk(randomUUID());
  let store = new InMemoryEventStore(disk);
  return {
    store,
    ids: { uuid: () => randomUUID() },
    restart: async () => {
      await store.close();
      store = new InMemoryEventStore(disk);
      return store;
    },
    close: () => store.close(),
  };
});
