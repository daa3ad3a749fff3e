import { randomUUID } from 'node:crypto';
import { describeEventStoreContract } from '@livegift/event-store/contract';
import { openEventStoreDb, type EventStoreDbLimits } from '@livegift/event-store-eventstoredb';
import { EventStoreDbStandIn } from './stand-in.js';

// The suites of others may be running on the same two cores.
jest.setTimeout(30_000);

function harness(limits: Partial<EventStoreDbLimits>) {
  return async () => {
    const server = await EventStoreDbStandIn.start();
    const open = () => openEventStoreDb({ connectionString: server.connectionString, limits });
    let store = await open();
    return {
      store,
      ids: { uuid: () => randomUUID() },
      restart: async () => {
        await store.close();
        store = await open();
        return store;
      },
      // Another process on the same server is a reader beside this one.
      openReader: open,
      close: async () => {
        await store.close();
        await server.stop();
      },
    };
  };
}

describeEventStoreContract('EventStoreDB, stand-in', harness({}));
// Hardly anything read ahead, and few calls at a time: everything waits for everything.
describeEventStoreContract('EventStoreDB, stand-in, narrow', harness({ readAheadMax: 2, inFlightMax: 2 }));
