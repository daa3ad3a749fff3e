import { describeEventStoreContract } from '@livegift/event-store/contract';
import { SeededRandom } from './seeded-random.js';
import { SimulatedEventStore } from './simulated-event-store.js';
import { SimulatedProcess } from './simulated-process.js';
import { SimulatedStoreServer } from './simulated-store-server.js';
import { NO_STORE_FAULTS, SLOW_STORE, type StoreFaults } from './store-faults.js';
import { VirtualWorld } from './virtual-world.js';

const open = (seed: number, faults: StoreFaults) => async () => {
  const random = new SeededRandom(seed);
  const world = new VirtualWorld(random, Date.UTC(2026, 0, 1), setImmediate);
  const server = new SimulatedStoreServer(world, random.uuid());
  server.faults = faults;
  const connect = (): SimulatedEventStore => new SimulatedEventStore(server, new SimulatedProcess(world, 'contract'));
  let store = connect();
  world.runByItself();
  return {
    store,
    ids: { uuid: () => random.uuid() },
    restart: async () => {
      await store.close();
      server.crash();
      store = connect();
      return store;
    },
    close: async () => {
      await store.close();
      world.stop();
    },
  };
};

describeEventStoreContract('simulated, without faults', open(1, NO_STORE_FAULTS));
describe.each([1, 2])('seed %d', (seed) => {
  describeEventStoreContract('simulated, slow and out of order', open(seed, SLOW_STORE));
});
