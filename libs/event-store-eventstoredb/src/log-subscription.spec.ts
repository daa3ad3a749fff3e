import type { ReadAllOptions } from '@livegift/event-store';
import type { Position, RecordedEvent } from '@livegift/kernel';
import type { FeedPart, LogFeed } from './log-feed.js';
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

const reads = {
  knownHead: null,
  head: async () => LOG.at(-1)!.position,
  all: async ({ after, limit }: ReadAllOptions) =>
    LOG.filter(({ position }) => after === null || after === undefined || position > after).slice(0, limit),
};

/** Of a follower that lags: it says that it has brought all before it has anything, and has it later. */
function laggingFeed() {
  let takes = 0;
  return {
    ...silentFeed,
    get isEmpty() {
      return takes > 1;
    },
    take: (): FeedPart => {
      const events = takes++ === 0 ? [] : LOG;
      return { events, reached: events.at(-1)?.position ?? null, caughtUp: events.length === 0 };
    },
  };
}

describe('a subscription whose feed says too early that it has brought all', () => {
  it('does not take that for the end of the log, and leaves out nothing', async () => {
    const subscription = new LogSubscription(
      laggingFeed() as unknown as LogFeed,
      reads as unknown as LogReads,
      { after: null, types: ['GiftSent'] },
      () => {},
    );
    expect(await subscription.next()).toEqual({ events: LOG, through: at(5), caughtUp: true });
  });
});

describe('a subscription whose feed has gone silent', () => {
  it('reads on from the log, a batch at a time, and leaves out nothing', async () => {
    const subscription = new LogSubscription(
      silentFeed as unknown as LogFeed,
      reads as unknown as LogReads,
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

  it('looks at the log now and then also where everything passes and all had come', async () => {
    let visible = LOG.slice(0, 2);
    const growing = {
      ...reads,
      head: async () => visible.at(-1)!.position,
      all: async ({ after }: ReadAllOptions) => visible.filter(({ position }) => position > after!),
    };
    const patient = {
      ...silentFeed,
      something: (patienceMs: number | null) =>
        new Promise((resolve) => patienceMs !== null && setImmediate(resolve, false)),
    };
    const subscription = new LogSubscription(
      patient as unknown as LogFeed,
      growing as unknown as LogReads,
      { after: { storeId: '', position: at(2) } },
      () => {},
    );
    expect(await subscription.next()).toEqual({ events: [], through: at(2), caughtUp: true });
    const next = subscription.next();
    visible = LOG;
    expect(await next).toEqual({ events: LOG.slice(2), through: at(5), caughtUp: true });
  });
});
