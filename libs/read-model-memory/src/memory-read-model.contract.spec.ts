import { describeReadModelContract } from '@livegift/read-model/contract';
import { createMemoryReadModel } from './memory-read-model.js';

describeReadModelContract('memory', async () => ({
  open: async (options) => createMemoryReadModel(options),
  close: async () => {},
}));

// Every board is built anew for each question, one slice at a time.
describeReadModelContract('memory, keeping nothing', async () => ({
  open: async (options) => createMemoryReadModel({ ...options, hotBoardsMax: 1, hotIdleMs: 0 }),
  close: async () => {},
}));
