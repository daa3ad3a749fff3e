import { randomUUID } from 'node:crypto';
import { describeEventStoreContract } from '@livegift/event-store/contract';
import { EventStoreDbStandIn } from '../../../test/support/eventstoredb/stand-in.js';
import { openEventStoreDb, type EventStoreDbOptions } from './eventstoredb-event-store.js';

// The suites of others may be running on the same two cores.
jest.setTimeout(30_000);

function harness(
  connect: () => Promise<{ connectionString: string; stop(): Promise<void> }>,
  limits: EventStoreDbOptions['limits'] = {},
) {
  return async () => {
    const server = await connect();
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

const { EVENTSTORE_URL } = process.env;
const standIn = () => EventStoreDbStandIn.start();

describeEventStoreContract('EventStoreDB, stand-in', harness(standIn));
// Hardly anything read ahead, and few appends at a time: everything waits for everything.
describeEventStoreContract('EventStoreDB, stand-in, narrow', harness(standIn, { readAheadMax: 2, inFlightMax: 2 }));
if (EVENTSTORE_URL !== undefined && EVENTSTORE_URL !== '') {
  const real = async () => ({ connectionString: EVENTSTORE_URL, stop: async () => {} });
  describeEventStoreContract('EventStoreDB, the server of EVENTSTORE_URL', harness(real));
}
