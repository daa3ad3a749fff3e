import { describeFanOutContract } from '@livegift/fanout/contract';
import { createMemoryFanOut } from './memory-fan-out.js';

describeFanOutContract('memory', async () => {
  const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
  const options = { retainMs: 600_000, retainMessagesMax: 100_000, sourcePartitionCount: 4 };
  const fanOut = createMemoryFanOut({ ...options, clock });
  // One process: every connection is the same object, and closing one must not close the others.
  return { clock, open: async () => ({ ...bound(fanOut), close: async () => {} }), close: async () => fanOut.close() };
});

const bound = (fanOut: ReturnType<typeof createMemoryFanOut>) => ({
  sourcePartitionCount: fanOut.sourcePartitionCount,
  openPublisher: fanOut.openPublisher.bind(fanOut),
  subscribe: fanOut.subscribe.bind(fanOut),
  end: fanOut.end.bind(fanOut),
});
