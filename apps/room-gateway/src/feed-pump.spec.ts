import { FanOutError, type FanOut, type RoomMessage } from '@livegift/fanout';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { silentTelemetry, type Position } from '@livegift/kernel';
import { ROOM_FEED_DEFAULTS, RoomFeed } from '@livegift/room-feed';
import { FeedPump } from './feed-pump.js';

const STORE_ID = 'store';
const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
const scheduler = {
  after: (delayMs: number, task: () => void) => {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const at = (number: number): Position => String(number).padStart(16, '0') as Position;

describe('the feed pump', () => {
  let fanOut: FanOut;
  let feed: RoomFeed;
  let breaks: number;
  let pump: FeedPump;

  beforeEach(() => {
    breaks = 0;
    fanOut = createMemoryFanOut({ clock, retainMs: 60_000, retainMessagesMax: 1_000, sourcePartitionCount: 1 });
    const board = { entries: [], position: null };
    const askBoard = async () => board;
    const outside = { clock, scheduler, telemetry: silentTelemetry };
    const one = { sourcePartitionCount: 1, sourcePartitionOf: () => 0 };
    feed = new RoomFeed({ epoch: STORE_ID, ...one, askBoard, ...outside, config: ROOM_FEED_DEFAULTS });
    const config = { backMs: 60_000, backOffMs: 1, backOffMsMax: 4 };
    pump = new FeedPump({ fanOut: breaking(), feed, scheduler, telemetry: silentTelemetry, config });
  });
  afterEach(async () => {
    await pump.stop();
    feed.close('going-away');
  });

  it('fills the feed with what was published before, and says when it has caught up', async () => {
    await publish(3);
    expect(pump.caughtUp).toBe(false);
    pump.start();
    await pump.whenCaughtUp();
    expect(feed.hasReached('room', `${STORE_ID}:${at(3)}`)).toBe(true);
  });

  it('subscribes again, with ever longer pauses, when the fan-out is away, and misses nothing', async () => {
    breaks = 5;
    await publish(3);
    pump.start();
    await pump.whenCaughtUp();
    expect(breaks).toBe(0);
    expect(feed.hasReached('room', `${STORE_ID}:${at(3)}`)).toBe(true);
  });

  it('stops at once, also while it waits to subscribe again', async () => {
    breaks = 1_000;
    const config = { backMs: 60_000, backOffMs: 60_000, backOffMsMax: 60_000 };
    const patient = new FeedPump({ fanOut: breaking(), feed, scheduler, telemetry: silentTelemetry, config });
    patient.start();
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(breaks).toBe(999);
    await patient.stop();
    expect(patient.caughtUp).toBe(false);
  });

  it('lets go of who waits for it when it is stopped, even before it was started', async () => {
    const waiting = pump.whenCaughtUp();
    await pump.stop();
    await waiting;
    expect(pump.caughtUp).toBe(false);
  });

  /** Fails in turn while it subscribes and while it delivers. */
  function breaking(): FanOut {
    const fail = (): void => {
      if (breaks === 0) return;
      breaks -= 1;
      throw new FanOutError('unavailable', 'the connection broke');
    };
    return {
      sourcePartitionCount: 1,
      openPublisher: (partition) => fanOut.openPublisher(partition),
      end: () => fanOut.end(),
      close: () => fanOut.close(),
      subscribe: async (options) => {
        if (breaks % 2 === 1) fail();
        const subscription = await fanOut.subscribe(options);
        return {
          reached: () => subscription.reached(),
          close: () => subscription.close(),
          next: async () => {
            fail();
            return subscription.next();
          },
        };
      },
    };
  }

  async function publish(count: number): Promise<void> {
    const publisher = await fanOut.openPublisher(0);
    for (let number = 1; number <= count; number++) {
      const position = at(number);
      const fields = { type: 'gift-sent', id: `v.${number}`, roomId: 'room', storeId: STORE_ID, position } as const;
      const message: RoomMessage = {
        ...fields,
        occurredAt: new Date().toISOString(),
        body: '{"type":"gift","streak":null}',
      };
      await publisher.publish([message], { storeId: STORE_ID, position });
    }
  }
});
