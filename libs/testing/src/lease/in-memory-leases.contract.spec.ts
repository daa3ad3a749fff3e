import { describeLeasesContract } from '@livegift/lease/contract';
import { InMemoryLeaseService } from './in-memory-leases.js';

describeLeasesContract('in memory', async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const service = new InMemoryLeaseService({ now: () => nowMs });
  return {
    open: async () => service.handle(),
    pass: async (ms) => {
      nowMs += ms;
    },
    close: async () => {},
  };
});
