import type { ReadAllOptions } from '@livegift/event-store';
import type { Position, RecordedEvent } from '@livegift/kernel';
import type { LogFeed } from './log-feed.js';
import type { LogReads } from './log-reads.js';
import { LogSubscription } from './log-subscription.js';
import { positionOf } from './position.js';

const at = (index: number): Position => positionOf({ commit: BigInt(index), prepare: BigInt(index) });
const LOG = Array.from({ length: 5 }, (_, index) => ({ position: at(index + 1), type: 'GiftSent' }) as RecordedEvent);

/** Of a server that has stopped bringing anything, and does not say so. */
const silentFeed = {
  isEmpty: true,
  breaks: 0,
  failure: null,
  something: () => new Promise((resolve) => setImmediate(resolve, false)),
  close: () => {},
};

describe('a subscription whose feed has gone silent', () => {
  it('reads on from the log, a batch at a time, and leaves out nothing', async () => {
    const reads = {
      knownHead: null,
      head: async () => LOG.at(-1)!.position,
      all: async ({ after, limit }: ReadAllOptions) =>
        LOG.filter(({ position }) => after === null || after === undefined || position > after).slice(0, limit),
    };
    const subscription = new LogSubscription(
      silentFeed as unknown as LogFeed,
      reads as unknown as LogReads,
      null,
      { after: null, types: ['GiftSent'], batchEventsMax: 2 },
      () => {},
    );
    const batches = [await subscription.next(), await subscription.next(), await subscription.next()];
    expect(batches).toEqual([
      { events: LOG.slice(0, 2), through: at(2), caughtUp: false },
      { events: LOG.slice(2, 4), through: at(4), caughtUp: false },
      { events: LOG.slice(4), through: at(5), caughtUp: true },
    ]);
  });
});
