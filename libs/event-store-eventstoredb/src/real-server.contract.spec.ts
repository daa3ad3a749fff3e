import { randomUUID } from 'node:crypto';
import { EventStoreDBClient } from '@eventstore/db-client';
import { describeEventStoreContract } from '@livegift/event-store/contract';
import { parseConnectionString } from './connection-string.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

/**
 * The contract against a real server: `EVENTSTORE_URL=esdb://… npm run test:eventstore`. Uses streams with fresh names and
 * leaves all others alone; reads the whole log several times, so a server with little in it is the better one.
 */
const { EVENTSTORE_URL = '', npm_lifecycle_event } = process.env;
const connectionString = EVENTSTORE_URL.trim();

jest.setTimeout(120_000);

if (connectionString === '') {
  describe('event store contract: EventStoreDB, real server', () => {
    it('is held against the server that EVENTSTORE_URL names, when it names one', () => {
      if (npm_lifecycle_event === 'test:eventstore') {
        throw new Error('name a server: EVENTSTORE_URL=esdb://user:password@host:2113 npm run test:eventstore');
      }
    });
  });
} else {
  const open = () => openEventStoreDb({ connectionString });
  afterAll(async () => {
    const { address } = parseConnectionString(connectionString);
    const client = EventStoreDBClient.connectionString(address);
    const { serverVersion } = await client['capabilities'];
    await client.dispose();
    process.stdout.write(
      `event store contract: ran against EventStoreDB ${serverVersion ?? '(no version)'} at ${address}\n`,
    );
  });
  describeEventStoreContract('EventStoreDB, real server', async () => {
    let store = await open();
    return {
      store,
      ids: { uuid: () => randomUUID() },
      restart: async () => {
        await store.close();
        store = await open();
        return store;
      },
      openReader: open,
      close: () => store.close(),
    };
  });
}
