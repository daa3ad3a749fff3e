import { describeReadModelContract } from '@livegift/read-model/contract';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { PartitionedReadModel } from './partitioned-read-model.js';

describe.each([3])('%d partitions', (partitionCount) => {
  describeReadModelContract('memory, partitioned', async () => ({
    open: async (options) =>
      new PartitionedReadModel(Array.from({ length: partitionCount }, () => createMemoryReadModel(options))),
    close: async () => {},
  }));
});
