// Longer than others: one case for each promise of the rooms' contract, and the world by hand below them.
import type { GiftFrame, GiftMessage, LeaderboardFrame, RoomFrame, WelcomeFrame } from '@livegift/contracts';
import { silentTelemetry, stableHash, type Cancellable, type Position, type Scheduler } from '@livegift/kernel';
import type { FrameBatch } from './feed-frame.js';
import { RoomFeed } from './room-feed.js';
import {
  ROOM_FEED_DEFAULTS,
  type EndReason,
  type FeedMessage,
  type RoomBoard,
  type RoomFeedConfig,
  type RoomSubscriber,
} from './room-feed.types.js';

const EPOCH = 'store-1';
const ROOM = 'room';
const PARTITIONS = 2;
const START_MS = 1_000_000;

const at = (number: number): Position => String(number).padStart(16, '0') as Position;
const id = (number: number): string => `${EPOCH}:${at(number)}`;

let world: World;
beforeEach(() => {
  world = new World();
  world.begin();
});

describe('the welcome', () => {
  it('comes first, with the room, its board and the newest frame id, and nothing old after it', async () => {
    world.board = { entries: [{ rank: 1, id: 'v', name: null, score: 3, reachedAt: 'then' }], position: at(2) };
    world.gift(1);
    world.gift(2);
    const client = world.join();
    await world.pass(100);
    expect(client.frames).toEqual([
      {
        type: 'welcome',
        roomId: ROOM,
        creatorId: 'c',
        title: 'Title',
        frameId: id(2),
        leaderboard: world.board.entries,
        keepAliveMs: 15_000,
        streakWindowMs: 3_000,
      },
    ]);
  });

  it('names, in a room without gifts, an id from which everything follows', async () => {
    world.opened(1);
    const { frameId } = world.join().frames[0] as WelcomeFrame;
    world.gift(2);
    expect((await world.resumed(frameId)).slice(1)).toEqual([{ type: 'recovered', complete: true }, world.frame(2)]);
  });

  it('names the id that was resumed from, so that breaking off there loses nothing', async () => {
    for (const number of [1, 2, 3]) world.gift(number);
    expect((await world.resumed(id(1)))[0]).toMatchObject({ type: 'welcome', frameId: id(1) });
  });
});

describe('a resume', () => {
  beforeEach(() => {
    for (const number of [1, 2, 3]) world.gift(number);
  });

  it('gives exactly what was missed, then goes on live', async () => {
    const client = world.join(id(1));
    world.gift(4);
    await world.pass(10);
    expect(client.frames.slice(1)).toEqual([
      { type: 'recovered', complete: true },
      world.frame(2),
      world.frame(3),
      world.frame(4),
    ]);
  });

  it('of the newest id is complete with nothing', async () => {
    expect((await world.resumed(id(3))).slice(1)).toEqual([{ type: 'recovered', complete: true }]);
  });

  it.each([
    ['an unknown epoch', `other:${at(2)}`],
    ['a frame before the window', id(0)],
    ['what is no frame id', 'nonsense'],
    ['an id without a position', `${EPOCH}:`],
    ['a position of another width', `${EPOCH}:${'0'.repeat(19)}2`],
    ['a frame that has not arrived', id(9)],
  ])('from %s is not complete, and goes on from the newest', async (what, from) => {
    const small = what === 'a frame before the window';
    if (small) {
      world = new World({ windowGiftsMax: 2 });
      world.begin();
      for (const number of [1, 2, 3]) world.gift(number);
    }
    expect(await world.resumed(from)).toMatchObject([
      { type: 'welcome', frameId: id(3) },
      { type: 'recovered', complete: false },
    ]);
  });

  it('reaches back to where the subscription begins, and no further', async () => {
    world = new World();
    world.begin(5);
    world.gift(6);
    expect((await world.resumed(id(5)))[1]).toEqual({ type: 'recovered', complete: true });
    expect((await world.resumed(id(4)))[1]).toEqual({ type: 'recovered', complete: false });
  });

  describe('from before the window', () => {
    const resumeAfter = async (lastGift: number | null, through: number, from: number): Promise<unknown> => {
      world = new World();
      world.begin(5);
      world.gift(6);
      world.feed.reachBack(ROOM, { lastGift: lastGift === null ? null : at(lastGift), through: at(through) });
      return (await world.resumed(id(from))).slice(1);
    };

    it('is complete from the last gift on that the read model knows before it', async () => {
      const complete = [{ type: 'recovered', complete: true }, world.frame(6)];
      expect(await resumeAfter(2, 5, 2)).toEqual(complete);
      expect(await resumeAfter(2, 9, 4)).toEqual(complete);
      expect(await resumeAfter(null, 5, 1)).toEqual(complete);
    });

    it.each([
      ['there was a gift since', 2, 5, 1],
      ['the read model has not looked as far as the window begins', 2, 4, 3],
    ])('is not complete when %s', async (_, lastGift, through, from) => {
      expect(await resumeAfter(lastGift, through, from)).toEqual([{ type: 'recovered', complete: false }]);
    });

    it('needs to be asked about only while the window does not tell', async () => {
      await resumeAfter(2, 5, 2);
      expect(world.feed.reachesBack(ROOM, id(2))).toBe(true);
      expect(world.feed.reachesBack(ROOM, id(1))).toBe(false);
      expect(world.feed.reachesBack('never seen', id(5))).toBe(true);
      expect(world.feed.reachesBack('never seen', id(4))).toBe(false);
      expect(world.feed.reachesBack(ROOM, `another-store:${at(1)}`)).toBe(true);
    });
  });

  it('is complete in a room that this gateway never saw, from where its source partition begins', async () => {
    expect((await world.resumed(id(0), 'quiet'))[1]).toEqual({ type: 'recovered', complete: true });
  });

  it('shares one batch among clients that come back from the same frame', () => {
    const missed = [world.join(id(1)), world.join(id(1))].map(({ batches }) => batches.at(-1));
    expect(missed[0]).toBe(missed[1]);
    expect(missed[0]?.frames).toHaveLength(2);
  });

  it('knows whether another gateway was ahead', () => {
    expect(world.feed.hasReached(ROOM, id(3))).toBe(true);
    expect(world.feed.hasReached(ROOM, id(4))).toBe(false);
    expect(world.feed.hasReached(ROOM, 'nonsense')).toBe(true);
  });
});

describe('live frames', () => {
  it('of one tick go out together, encoded once for all', async () => {
    const clients = [world.join(), world.join()];
    let encodings = 0;
    const encoding = (): Uint8Array => {
      encodings += 1;
      return new Uint8Array(1);
    };
    world.gift(1);
    world.gift(2);
    await world.pass(5);
    const batches = clients.flatMap((client) => client.batches.slice(1));
    expect(batches.map(({ frames }) => frames.length)).toEqual([2, 2]);
    expect(new Set(batches).size).toBe(1);
    for (const batch of batches) batch.as(encoding);
    expect(encodings).toBe(1);
  });

  it('are not sent to one who comes within the tick when the welcome names them already', async () => {
    const early = world.join();
    world.gift(1);
    const late = world.join();
    await world.pass(5);
    expect(early.gifts()).toEqual([world.frame(1)]);
    expect(late.frames).toMatchObject([{ type: 'welcome', frameId: id(1) }]);
  });

  it('leave out what is not newer, and what is of another store', async () => {
    const client = world.join();
    world.gift(2);
    world.gift(2);
    world.gift(1);
    world.deliver({ ...world.message(3), storeId: 'another' });
    await world.pass(5);
    expect(client.gifts()).toEqual([world.frame(2)]);
  });

  it('go to their own room only, and not to who has left', async () => {
    const other = world.join(null, 'elsewhere');
    const gone = world.join();
    world.feed.leave(gone, ROOM);
    world.gift(1);
    await world.pass(5);
    expect([...other.gifts(), ...gone.gifts()]).toEqual([]);
  });

  describe('to more connections than one turn writes to', () => {
    let clients: Client[];
    beforeEach(() => {
      world = new World({ connectionsPerTurn: 2 });
      world.begin();
      clients = Array.from({ length: 5 }, () => world.join());
      world.gift(1);
    });
    const got = (): number[][] =>
      clients.map((client) => client.gifts().map((frame) => Number((frame as GiftFrame).position)));
    /** After the first turn of the writing, before the second. */
    const betweenTurns = (task: () => void): Promise<void> => {
      world.time.after(ROOM_FEED_DEFAULTS.tickMs, task);
      return world.pass(ROOM_FEED_DEFAULTS.tickMs);
    };

    it('go out in turns, so that other work comes in between', async () => {
      let between: number[][] = [];
      await betweenTurns(() => (between = got()));
      expect(between).toEqual([[1], [1], [], [], []]);
      expect(got()).toEqual([[1], [1], [1], [1], [1]]);
    });

    it('that come meanwhile follow in order, at the next tick', async () => {
      await betweenTurns(() => world.gift(2));
      expect(got()).toEqual([[1], [1], [1], [1], [1]]);
      await world.pass(10);
      expect(got()).toEqual(Array.from({ length: 5 }, () => [1, 2]));
    });

    it('are neither missed nor repeated by who comes or resumes meanwhile', async () => {
      await betweenTurns(() => {
        world.gift(2);
        clients.push(world.join(), world.join(id(0)), world.join(id(1)));
        world.gift(3);
      });
      await world.pass(10);
      expect(got().slice(0, 5)).toEqual(Array.from({ length: 5 }, () => [1, 2, 3]));
      expect(got().slice(5)).toEqual([[3], [1, 2, 3], [2, 3]]);
    });

    it('do not go to who leaves meanwhile', async () => {
      await betweenTurns(() => world.feed.leave(clients[3]!, ROOM));
      expect(got()).toEqual([[1], [1], [1], [], [1]]);
    });

    it('reach everybody before the room ends', async () => {
      await betweenTurns(() => {
        world.closed(2);
      });
      await world.pass(ROOM_FEED_DEFAULTS.closingBoardMsMax);
      expect(got()).toEqual([[1], [1], [1], [1], [1]]);
      expect(clients.map(({ frames }) => frames.at(-1)?.type)).toEqual(Array(5).fill('room-closed'));
    });
  });

  it('survive a message that cannot be read', async () => {
    const client = world.join();
    world.deliver({ ...world.message(1), body: '{' });
    world.gift(2);
    await world.pass(5);
    expect(client.gifts()).toEqual([world.frame(2)]);
  });
});

describe('streaks', () => {
  it('end in the room their window after the last gift, a little late, once', async () => {
    const client = world.join();
    world.gift(1, { quantity: 3, coins: 3, streak: { id: 's', count: 3 } });
    await world.pass(2_000);
    world.gift(2, { quantity: 2, coins: 2, streak: { id: 's', count: 5 } });
    await world.pass(3_000);
    expect(client.of('streak-ended')).toEqual([]);
    await world.pass(400);
    const streak = { id: 's', count: 5, coins: 5 };
    expect(client.of('streak-ended')).toEqual([{ type: 'streak-ended', streak, viewerId: 'v', gift: 'rose' }]);
    await world.pass(60_000);
    expect(client.of('streak-ended')).toHaveLength(1);
  });

  it('that began before anybody came are told to whom they end', async () => {
    world.gift(1, { streak: { id: 's', count: 1 } });
    await world.pass(1_000);
    world.gift(2, { streak: { id: 's', count: 2 } });
    await world.pass(1_000);
    const client = world.join();
    await world.pass(2_000);
    expect(client.of('streak-ended')).toEqual([]);
    await world.pass(500);
    expect(client.of('streak-ended')).toMatchObject([{ streak: { id: 's', count: 2, coins: 2 } }]);
  });

  it('that ended before anybody came are not told of', async () => {
    world.gift(1, { streak: { id: 's', count: 2 } });
    await world.pass(3_400);
    const client = world.join();
    await world.pass(10_000);
    expect(client.of('streak-ended')).toEqual([]);
  });

  it('that were over before this gateway began are not told of', async () => {
    world = new World();
    const old = { occurredAt: new Date(START_MS - 60_000).toISOString(), streak: { id: 's', count: 2 } };
    world.begin(0, false);
    world.gift(1, old);
    world.feed.accept({ messages: [], floors: [], caughtUp: true });
    const client = world.join();
    await world.pass(10_000);
    expect(client.of('streak-ended')).toEqual([]);
  });
});

describe('the leaderboard', () => {
  const board = (score: number, position: number): RoomBoard => ({
    entries: [{ rank: 1, id: 'v', name: null, score, reachedAt: 'then' }],
    position: at(position),
  });

  it('is sent when a gift changed it, at most every 250 ms', async () => {
    const client = world.join();
    for (let number = 1; number <= 10; number++) {
      world.gift(number);
      world.board = board(number, number);
      await world.pass(50);
    }
    await world.pass(1_000);
    const scores = client.of('leaderboard').map((frame) => (frame as LeaderboardFrame).entries.at(0)?.score);
    expect(scores.at(-1)).toBe(10);
    expect(scores.length).toBeLessThanOrEqual(4);
    client.timesOf('leaderboard').reduce((before, time) => {
      expect(time - before).toBeGreaterThanOrEqual(250);
      return time;
    }, 0);
  });

  it('is asked for again until it contains the gift, and not after that', async () => {
    const client = world.join();
    world.gift(1);
    await world.pass(600);
    expect(client.of('leaderboard')).toEqual([]);
    world.board = board(1, 1);
    await world.pass(600);
    expect(client.of('leaderboard')).toHaveLength(1);
    const { asked } = world;
    await world.pass(10_000);
    expect(world.asked).toBe(asked);
  });

  it('is not sent when nothing changed, and not asked for when nobody watches', async () => {
    world.board = board(1, 9);
    world.gift(1);
    await world.pass(1_000);
    expect(world.asked).toBe(0);
    const client = world.join();
    world.board = { ...world.board, position: at(99) };
    world.gift(10);
    await world.pass(1_000);
    expect(client.of('leaderboard')).toEqual([]);
  });

  it('is tried again when the read model is away', async () => {
    const client = world.join();
    world.boardFails = true;
    world.gift(1);
    await world.pass(3_000);
    world.boardFails = false;
    world.board = board(1, 1);
    await world.pass(3_000);
    expect(client.of('leaderboard')).toHaveLength(1);
  });
});

describe('keep-alive', () => {
  it('comes after 15 s of silence, for each connection by itself', async () => {
    const early = world.join();
    await world.pass(10_000);
    const late = world.join();
    await world.pass(5_000);
    expect([early.of('keep-alive').length, late.of('keep-alive').length]).toEqual([1, 0]);
    await world.pass(10_000);
    expect([early.of('keep-alive').length, late.of('keep-alive').length]).toEqual([1, 1]);
  });

  it('waits 15 s again after every other frame', async () => {
    const client = world.join();
    await world.pass(14_000);
    world.gift(1);
    await world.pass(14_900);
    expect(client.of('keep-alive')).toEqual([]);
    await world.pass(300);
    expect(client.of('keep-alive')).toHaveLength(1);
  });
});

describe('the end of a room', () => {
  it('ends its streaks, says so, and closes every connection; nobody comes in after', async () => {
    const client = world.join();
    world.gift(1, { streak: { id: 's', count: 2 } });
    world.board = { ...world.board, position: at(1) };
    await world.pass(300);
    world.closed(2);
    expect(client.frames.slice(1).map(({ type }) => type)).toEqual(['gift', 'streak-ended', 'room-closed']);
    expect(client.ended).toBe('room-closed');
    expect(world.feed.join(new Client(world), world.request(null))).toBe('room-closed');
    expect(world.feed.room(ROOM)).toMatchObject({ closed: true });
  });

  it('sends the final leaderboard before it, when the read model follows a moment later', async () => {
    const client = world.join();
    world.gift(1);
    world.closed(2);
    world.gift(3);
    await world.pass(500);
    expect(client.ended).toBeNull();
    expect(world.feed.join(new Client(world), world.request(null))).toBe('room-closed');
    world.board = { entries: [{ rank: 1, id: 'v', name: null, score: 2, reachedAt: 'then' }], position: at(3) };
    await world.pass(300);
    expect(client.frames.slice(1).map(({ type }) => type)).toEqual(['gift', 'gift', 'leaderboard', 'room-closed']);
    expect(client.frames.at(-2)).toEqual({ type: 'leaderboard', entries: world.board.entries });
    expect(client.ended).toBe('room-closed');
  });

  it('does not wait for ever for the final leaderboard', async () => {
    const client = world.join();
    world.boardFails = true;
    world.gift(1);
    world.closed(2);
    await world.pass(1_900);
    expect(client.ended).toBeNull();
    await world.pass(200);
    expect(client.frames.slice(1).map(({ type }) => type)).toEqual(['gift', 'room-closed']);
    expect(client.ended).toBe('room-closed');
  });

  it('leaves nothing to wake up when everybody leaves before the final leaderboard', async () => {
    const client = world.join();
    world.gift(1);
    world.closed(2);
    await world.pass(10);
    world.feed.leave(client, ROOM);
    world.feed.close('going-away');
    expect(world.time.pending).toBe(0);
    expect(client.ended).toBeNull();
  });
});

describe.each([
  ['an hour back', -3_600_000],
  ['an hour ahead', 3_600_000],
])('a wall clock that is set %s', (_, stepMs) => {
  beforeEach(() => {
    world.board = { entries: [{ rank: 1, id: 'v', name: null, score: 1, reachedAt: 'then' }], position: at(1) };
  });

  it('delays no keep-alive and sends none too early', async () => {
    const client = world.join();
    await world.pass(10_000);
    world.time.wallAheadMs = stepMs;
    await world.pass(4_900);
    expect(client.of('keep-alive')).toEqual([]);
    await world.pass(200);
    expect(client.of('keep-alive')).toHaveLength(1);
  });

  it('delays no leaderboard', async () => {
    const client = world.join();
    world.gift(1);
    world.board = { ...world.board, entries: [] };
    await world.pass(10);
    world.time.wallAheadMs = stepMs;
    world.gift(2);
    world.board = { entries: [{ rank: 1, id: 'w', name: null, score: 2, reachedAt: 'now' }], position: at(2) };
    await world.pass(300);
    expect(client.of('leaderboard').at(-1)).toEqual({ type: 'leaderboard', entries: world.board.entries });
  });

  it('ends a streak when its window has passed, not sooner or later', async () => {
    const client = world.join();
    world.gift(1, { streak: { id: 's', count: 1 } });
    world.gift(2, { streak: { id: 's', count: 2 } });
    await world.pass(1_000);
    world.time.wallAheadMs = stepMs;
    await world.pass(1_900);
    expect(client.of('streak-ended')).toEqual([]);
    await world.pass(1_000);
    expect(client.of('streak-ended')).toHaveLength(1);
  });

  it('keeps what a client can resume, for as long as configured', async () => {
    world.gift(1);
    world.gift(2);
    world.time.wallAheadMs = stepMs;
    await world.pass(ROOM_FEED_DEFAULTS.windowMs - 60_000);
    expect((await world.resumed(id(1)))[1]).toEqual({ type: 'recovered', complete: true });
    await world.pass(120_000);
    expect((await world.resumed(id(1)))[1]).toEqual({ type: 'recovered', complete: false });
  });

  it('delays no frame', async () => {
    const client = world.join();
    world.gift(1);
    await world.pass(100);
    world.time.wallAheadMs = stepMs;
    world.gift(2);
    await world.pass(100);
    expect(client.gifts()).toHaveLength(2);
  });
});

describe('a feed that lost messages', () => {
  it('sends clients away to resume, and does not call what is left complete', async () => {
    world.gift(1);
    const client = world.join();
    world.feed.replay();
    world.begin(5);
    expect(client.ended).toBe('gap');
    world.gift(6);
    expect((await world.resumed(id(1)))[1]).toEqual({ type: 'recovered', complete: false });
    expect((await world.resumed(id(5)))[1]).toEqual({ type: 'recovered', complete: true });
  });

  it('goes on as if nothing were when the new subscription overlaps', async () => {
    world.gift(1);
    world.gift(2);
    const client = world.join();
    world.feed.replay();
    world.begin(1);
    for (const number of [2, 3]) world.gift(number);
    await world.pass(5);
    expect(client.ended).toBeNull();
    expect(client.gifts()).toEqual([world.frame(3)]);
  });
});

describe('bounds', () => {
  it('gives up the windows of the rooms that were quiet longest, and says so to who resumes', async () => {
    world = new World({ windowBytesMax: 20_000 });
    world.begin();
    world.gift(1, { roomId: 'first' });
    for (let number = 2; number < 40; number++) world.gift(number, { roomId: 'second' });
    expect((await world.resumed(id(0), 'first'))[1]).toEqual({ type: 'recovered', complete: false });
    expect((await world.resumed(id(39), 'second'))[1]).toEqual({ type: 'recovered', complete: true });
  });

  it('keeps so many rooms', () => {
    world = new World({ roomsMax: 10 });
    world.begin();
    for (let number = 1; number < 40; number++) world.gift(number, { roomId: `room-${number}`, streak: null });
    expect(world.feed.rooms).toBeLessThanOrEqual(10);
  });

  it('lets so many clients into one room', () => {
    world = new World({ roomConnectionsMax: 1 });
    world.begin();
    world.join();
    expect(world.feed.join(new Client(world), world.request(null))).toBe('full');
  });

  it('lets frames go by age, while their rooms stay', async () => {
    world.gift(1);
    world.gift(2);
    await world.pass(16 * 60_000);
    expect((await world.resumed(id(1)))[1]).toEqual({ type: 'recovered', complete: false });
    expect((await world.resumed(id(2)))[1]).toEqual({ type: 'recovered', complete: true });
  });

  it('sends everybody away when it closes, and leaves nothing to wake up', async () => {
    const client = world.join();
    world.gift(1, { streak: { id: 's', count: 1 } });
    world.feed.close('going-away');
    expect(client.ended).toBe('going-away');
    expect(client.gifts()).toHaveLength(1);
    expect(world.time.pending).toBe(0);
  });
});

/** A clock and timers that move by hand. */
class HandTime implements Scheduler {
  nowMs = START_MS;
  #tasks: { dueMs: number; run: () => void }[] = [];

  get pending(): number {
    return this.#tasks.length;
  }

  /** How far the wall clock was set from the time that has passed. */
  wallAheadMs = 0;

  now(): number {
    return this.nowMs + this.wallAheadMs;
  }

  elapsedMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): Cancellable {
    const task = { dueMs: this.nowMs + Math.max(0, delayMs), run };
    this.#tasks.push(task);
    return {
      cancel: () => {
        this.#tasks = this.#tasks.filter((other) => other !== task);
      },
    };
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      // What is awaited settles before time goes on.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      const next = this.#tasks.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      this.nowMs = next.dueMs;
      next.run();
    }
    this.nowMs = untilMs;
  }
}

class Client implements RoomSubscriber {
  readonly batches: FrameBatch[] = [];
  readonly #timesMs: number[] = [];
  ended: EndReason | null = null;

  constructor(private readonly world: World) {}

  write(batch: FrameBatch): void {
    this.batches.push(batch);
    for (let count = 0; count < batch.frames.length; count++) this.#timesMs.push(this.world.time.nowMs);
  }

  end(reason: EndReason): void {
    this.ended = reason;
  }

  get frames(): RoomFrame[] {
    return this.batches.flatMap(({ frames }) => frames.map(({ json }) => JSON.parse(json) as RoomFrame));
  }

  of(type: RoomFrame['type']): RoomFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  gifts(): RoomFrame[] {
    return this.of('gift');
  }

  timesOf(type: RoomFrame['type']): number[] {
    return this.#timesMs.filter((_, index) => this.frames.at(index)?.type === type);
  }
}

class World {
  readonly time = new HandTime();
  readonly feed: RoomFeed;
  board: RoomBoard = { entries: [], position: null };
  boardFails = false;
  asked = 0;

  constructor(config: Partial<RoomFeedConfig> = {}) {
    this.feed = new RoomFeed({
      epoch: EPOCH,
      sourcePartitionCount: PARTITIONS,
      sourcePartitionOf: (roomId) => stableHash(roomId) % PARTITIONS,
      askBoard: async () => {
        this.asked += 1;
        if (this.boardFails) throw new Error('the read model is away');
        return this.board;
      },
      clock: this.time,
      scheduler: this.time,
      telemetry: silentTelemetry,
      config: { ...ROOM_FEED_DEFAULTS, ...config },
    });
  }

  /** Every source partition is complete after that position. */
  begin(number = 0, caughtUp = true): void {
    const floors = Array.from({ length: PARTITIONS }, (_, sourcePartition) => ({
      sourcePartition,
      position: at(number),
    }));
    this.feed.accept({ messages: [], floors, caughtUp });
  }

  message(number: number, gift: Partial<GiftMessage> = {}): FeedMessage {
    const body = { ...this.body(number), ...gift };
    const { roomId, occurredAt } = body;
    return { type: 'gift-sent', roomId, storeId: EPOCH, position: at(number), occurredAt, body: JSON.stringify(body) };
  }

  body(number: number): GiftMessage {
    return {
      type: 'gift',
      giftId: `v.${number}`,
      position: at(number),
      roomId: ROOM,
      creatorId: 'c',
      viewerId: 'v',
      sender: null,
      gift: 'rose',
      giftInfo: { title: 'Rose', priceCoins: 1, icon: '🌹' },
      quantity: 1,
      coins: 1,
      diamonds: 50,
      message: null,
      streak: null,
      occurredAt: new Date(START_MS).toISOString(),
    };
  }

  frame(number: number): GiftFrame {
    return { ...this.body(number), frameId: id(number) };
  }

  gift(number: number, gift: Partial<GiftMessage> = {}): void {
    this.deliver(this.message(number, gift));
  }

  opened(number: number): void {
    this.deliver(this.#roomMessage(number, 'room-opened'));
  }

  closed(number: number): void {
    this.deliver(this.#roomMessage(number, 'room-closed'));
  }

  deliver(message: FeedMessage): void {
    this.feed.accept({ messages: [message], floors: [], caughtUp: false });
  }

  request(from: string | null, roomId = ROOM) {
    return { roomId, facts: { creatorId: 'c', title: 'Title' }, board: this.board, from };
  }

  join(from: string | null = null, roomId = ROOM): Client {
    const client = new Client(this);
    expect(this.feed.join(client, this.request(from, roomId))).toBe('joined');
    return client;
  }

  async resumed(from: string, roomId = ROOM): Promise<RoomFrame[]> {
    const client = this.join(from, roomId);
    await this.pass(10);
    return client.frames;
  }

  pass(ms: number): Promise<void> {
    return this.time.pass(ms);
  }

  #roomMessage(number: number, type: 'room-opened' | 'room-closed'): FeedMessage {
    const occurredAt = new Date(START_MS).toISOString();
    const body = JSON.stringify({ roomId: ROOM, creatorId: 'c', title: 'Title' });
    return { type, roomId: ROOM, storeId: EPOCH, position: at(number), occurredAt, body };
  }
}
