import type { GiftMessage } from '@livegift/contracts';
import { beginGeneration } from '@livegift/event-store';
import { CATALOGUE_STREAM, roomStream, walletStream } from '@livegift/domain';
import { FanOutError, sourcePartitionOf, type FanOut, type RoomMessage } from '@livegift/fanout';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { historyIdOf, instant, LOG_START, silentTelemetry, type NewEvent, type Position } from '@livegift/kernel';
import { allOfTheWork, type SharedWork } from '@livegift/lease';
import { InMemoryDisk, InMemoryEventStore } from '@livegift/testing';
import { Lanes } from './lanes.js';
import { PUBLISHER_DEFAULTS, type PublisherConfig } from './publisher.config.js';
import { Publisher } from './publisher.js';

const GENERATION = '0123456789abcdef';
const STORE_ID = '0b7e8f0e-6b0e-4c0a-8f0e-0e0e0e0e0e0e';
const scheduler = {
  after: (delayMs: number, task: () => void) => {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

let nowMs: number;
let store: InMemoryEventStore;
let fanOut: FanOut;
let publishers: Publisher[];

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  store = new InMemoryEventStore(STORE_ID);
  fanOut = newFanOut();
  publishers = [];
});
afterEach(async () => {
  await Promise.all(publishers.map((publisher) => publisher.stop()));
});

describe('the publisher', () => {
  it('publishes gifts as frames without an id, with the looks that the catalogue gave them at the time', async () => {
    await listGift('rose', 'Rose', '🌹');
    const [giftId, position] = await sendGift('v', 'room');
    await listGift('rose', 'Red rose', '🥀');
    await publish();
    const message = (await messages())[0];
    expect(message).toMatchObject({ type: 'gift-sent', id: giftId, roomId: 'room', storeId: STORE_ID, position });
    expect(JSON.parse(message?.body ?? 'null')).toEqual({
      type: 'gift',
      giftId,
      position,
      roomId: 'room',
      creatorId: 'c',
      viewerId: 'v',
      sender: { name: 'Vera', avatarUrl: null },
      gift: 'rose',
      giftInfo: { title: 'Rose', priceCoins: 7, icon: '🌹' },
      quantity: 2,
      coins: 14,
      diamonds: 700,
      message: null,
      streak: { id: giftId, count: 2 },
      occurredAt: instant(nowMs),
    } satisfies GiftMessage);
  });

  it('publishes nothing of a room that history opened, which was never live', async () => {
    await openRoom('old', true);
    await sendGift('v', 'old', { imported: true });
    await openRoom('live');
    await publish();
    expect((await messages()).map(({ type, roomId }) => [type, roomId])).toEqual([['room-opened', 'live']]);
  });

  it('shows a gift that the catalogue does not have under its own name', async () => {
    await sendGift('v', 'room', { gift: 'comet' });
    await publish();
    expect(bodyOf((await messages())[0])).toMatchObject({ giftInfo: { title: 'comet', priceCoins: 7, icon: '🎁' } });
  });

  it('publishes the opening and the closing of rooms, and leaves imported gifts out', async () => {
    await openRoom('room');
    await sendGift('v', 'room', { imported: true });
    await closeRoom('room');
    await publish();
    const [opened, closed, ...rest] = await messages();
    expect([opened?.type, closed?.type, rest]).toEqual(['room-opened', 'room-closed', []]);
    expect(bodyOf(opened)).toEqual({ roomId: 'room', creatorId: 'c', title: 'Title' });
    expect(bodyOf(closed)).toEqual({ roomId: 'room', creatorId: 'c', title: 'Title' });
  });

  it('goes on with what comes later, in order per room', async () => {
    await publish();
    const expected: Position[] = [];
    for (let count = 0; count < 20; count++) expected.push((await sendGift('v', `room-${count % 3}`))[1]);
    const seen = await messagesUntil(20);
    for (let room = 0; room < 3; room++) {
      const ofRoom = seen.filter(({ roomId }) => roomId === `room-${room}`).map(({ position }) => position);
      expect(ofRoom).toEqual(expected.filter((_, index) => index % 3 === room));
    }
  });

  it('goes on from the checkpoint of each source partition, and repeats nothing after a clean stop', async () => {
    const first = await publish();
    await sendGift('v', 'room');
    await messagesUntil(1);
    await first.stop();
    await sendGift('v', 'room');
    await publish();
    expect((await messagesUntil(2)).map(({ id }) => id)).toEqual(['v.0', 'v.1']);
  });

  it('begins, where nothing was published, far enough back for the windows of the gateways', async () => {
    await sendGift('v', 'room');
    nowMs += 16 * 60_000;
    const [, position] = await sendGift('v', 'room');
    await publish();
    const subscription = await fanOut.subscribe({ backMs: 60_000 });
    const delivery = await subscription.next();
    expect(delivery?.messages.map(({ id }) => id)).toEqual(['v.1']);
    expect(delivery?.floors).toHaveLength(fanOut.sourcePartitionCount);
    for (const floor of delivery!.floors) expect(floor.position < position).toBe(true);
  });

  it('begins at the beginning of the log where what is published is kept for others too', async () => {
    await sendGift('v', 'room');
    nowMs += 16 * 60_000;
    await sendGift('v', 'room');
    await publish({ windowMs: null });
    expect((await messagesUntil(2)).map(({ id }) => id)).toEqual(['v.0', 'v.1']);
  });

  it('looks back over so many events and no further', async () => {
    for (let count = 0; count < 10; count++) await sendGift('v', 'room');
    await publish({ windowEventsMax: 3 });
    expect((await messages()).map(({ id }) => id)).toEqual(['v.8', 'v.9']);
  });

  it('knows the catalogue also when it begins after it', async () => {
    await listGift('rose', 'Rose', '🌹');
    nowMs += 16 * 60_000;
    await sendGift('v', 'room');
    await publish();
    expect(bodyOf((await messages())[0])).toMatchObject({ giftInfo: { title: 'Rose', icon: '🌹' } });
  });

  it('opens again after the fan-out was away, and loses nothing', async () => {
    let away = true;
    const real = fanOut;
    fanOut = {
      ...real,
      sourcePartitionCount: real.sourcePartitionCount,
      close: () => real.close(),
      subscribe: (options) => real.subscribe(options),
      end: () => real.end(),
      openPublisher: async (partition) => {
        const publisher = await real.openPublisher(partition);
        return {
          ...publisher,
          publish: async (published, checkpoint) => {
            // Committed, and yet the answer does not arrive.
            await publisher.publish(published, checkpoint);
            if (away && published.length > 0) {
              away = false;
              throw new FanOutError('unavailable', 'the connection broke');
            }
          },
        };
      },
    };
    await sendGift('v', 'room');
    await sendGift('v', 'room');
    await publish();
    expect([...new Set((await messages()).map(({ id }) => id))]).toEqual(['v.0', 'v.1']);
  });

  it('takes over from a publisher before it, which comes to nothing until it opens again', async () => {
    await publish();
    await publish();
    await sendGift('v', 'room');
    await sendGift('w', 'room');
    const seen = await messagesUntil(2);
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(['v.0', 'w.0']));
  });

  it('publishes the source partitions of its share only, and goes on with those that it is given later', async () => {
    const work = new HandedWork(fanOut.sourcePartitionCount, [0]);
    const publisher = await publish({}, work);
    const rooms = [0, 1, 2].map(roomIn);
    for (const room of rooms) await sendGift('v', room);
    expect((await messagesUntil(1)).map(({ roomId }) => roomId)).toEqual([rooms[0]]);
    work.hand([0, 2]);
    expect((await messagesUntil(2)).map(({ roomId }) => roomId)).toEqual([rooms[0], rooms[2]]);
    work.hand([1]);
    expect((await messagesUntil(3)).map(({ roomId }) => roomId)).toEqual([rooms[0], rooms[2], rooms[1]]);
    await until(() => publisher.state().lanes === 1);
    await sendGift('v', rooms[0]!);
    await sendGift('v', rooms[1]!);
    expect((await messagesUntil(4)).map(({ roomId }) => roomId)).toEqual([
      ...rooms.toSpliced(1, 1),
      rooms[1],
      rooms[1],
    ]);
  });

  it('has nothing to catch up with when nothing is its share', async () => {
    const publisher = await publish({}, new HandedWork(fanOut.sourcePartitionCount, []));
    expect(publisher.state()).toMatchObject({ caughtUp: true, lanes: 0 });
  });

  it('leaves a source partition that another has taken to it, until it is given it again', async () => {
    const work = new HandedWork(fanOut.sourcePartitionCount, [0, 1, 2]);
    const first = await publish({}, work);
    const other = await fanOut.openPublisher(0);
    const rooms = [0, 1, 2].map(roomIn);
    for (const room of rooms) await sendGift('v', room);
    expect(new Set((await messagesUntil(2)).map(({ roomId }) => roomId))).toEqual(new Set(rooms.slice(1)));
    await until(() => first.state().lanes === 2);
    // The other one has not been fenced in turn.
    await other.publish([], other.checkpoint!);
    work.hand([1, 2]);
    await until(() => first.state().lanes === 2 && first.state().caughtUp);
    work.hand([0, 1, 2]);
    expect((await messagesUntil(3)).map(({ roomId }) => roomId).at(-1)).toBe(rooms[0]);
    await expect(other.publish([], other.checkpoint!)).rejects.toMatchObject({ code: 'fenced' });
  });

  it('takes back a source partition after a while, for the one that took it may have died', async () => {
    await publish({ fencedWaitMs: 1 });
    await fanOut.openPublisher(0);
    await sendGift('v', roomIn(0));
    const waiting = messagesUntil(1);
    await until(() => (nowMs += 1) > 0 && publishers[0]!.state().lanes === 2);
    await until(() => (nowMs += 1) > 0 && publishers[0]!.state().lanes === 3);
    expect((await waiting).map(({ id }) => id)).toEqual(['v.0']);
  });

  it('does not wait for a source partition that failed when it was given back already', async () => {
    const work = new HandedWork(fanOut.sourcePartitionCount, [0]);
    const config = { ...PUBLISHER_DEFAULTS, checkpointEveryMs: 0 };
    const outside = {
      clock: { now: () => nowMs, elapsedMs: () => nowMs },
      scheduler,
      telemetry: silentTelemetry,
      onFailure: () => {},
    };
    const lanes = new Lanes({
      fanOut,
      work,
      storeId: STORE_ID,
      ancestry: () => Promise.resolve(null),
      config,
      ...outside,
    });
    await lanes.followShare(() => Promise.resolve(LOG_START));
    await fanOut.openPublisher(0);
    lanes.get(0)!.take([], await sendGift('v', roomIn(0)).then(([, position]) => position));
    await until(() => lanes.size === 0);
    expect(lanes.nextOpeningMs).toBe(nowMs + config.fencedWaitMs);
    work.hand([]);
    await lanes.followShare(() => Promise.resolve(LOG_START));
    expect(lanes.nextOpeningMs).toBeNull();
    await lanes.closeAll();
  });

  it('goes on with the others while one source partition cannot be published to', async () => {
    let away = true;
    const real = fanOut;
    fanOut = {
      sourcePartitionCount: real.sourcePartitionCount,
      close: () => real.close(),
      subscribe: (options) => real.subscribe(options),
      end: () => real.end(),
      openPublisher: (partition) =>
        away && partition === 0
          ? Promise.reject(new FanOutError('unavailable', 'its leader is away'))
          : real.openPublisher(partition),
    };
    await publish({ backOffMs: 1, backOffMsMax: 1 });
    for (const room of [0, 1, 2].map(roomIn)) await sendGift('v', room);
    expect(new Set((await messagesUntil(2)).map(({ id }) => id))).toEqual(new Set(['v.1', 'v.2']));
    away = false;
    const waiting = messagesUntil(3);
    await until(() => (nowMs += 1) > 0 && publishers[0]!.state().lanes === 3);
    expect((await waiting).map(({ id }) => id).at(-1)).toBe('v.0');
  });

  it('has not caught up before it has heard what its share is', async () => {
    const work = new HandedWork(fanOut.sourcePartitionCount, []);
    work.isAgreedOn = false;
    const publisher = newPublisher({ backOffMsMax: 1 }, work);
    publisher.start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(publisher.state()).toMatchObject({ running: true, caughtUp: false });
    work.isAgreedOn = true;
    await publisher.caughtUp();
    expect(publisher.state()).toMatchObject({ caughtUp: true, lanes: 0 });
  });

  it('publishes what gathers meanwhile in few transactions, each within its bound, and reads no more than its own', async () => {
    const sizes: number[] = [];
    beforePublishing(async (published) => {
      sizes.push(published.length);
      await new Promise((resolve) => setImmediate(resolve));
    });
    const ids: string[] = [];
    for (let count = 0; count < 200; count++) ids.push((await sendGift('v', 'room'))[0]);
    await publish({ batchEventsMax: 10, transactionMessagesMax: 40, queuedMessagesMax: 100 });
    expect((await messages()).map(({ id }) => id)).toEqual(ids);
    expect(Math.max(...sizes)).toBe(40);
    expect(sizes.filter((size) => size > 0).length).toBeLessThan(20);
  });

  const anHour = 3_600_000;
  const aMinute = 60_000;
  it.each([
    ['begins only now and then', { transactionEveryMs: anHour }, 0],
    ['took long, and may take a third of the time', { transactionBusyMax: 1 / 3 }, aMinute],
  ])(
    'lets gifts gather where a transaction %s, and waits for none when they fill it or it stops',
    async (_, pace, takesMs) => {
      const sizes: number[] = [];
      beforePublishing((published) => {
        if (published.length > 0) sizes.push(published.length);
        nowMs += takesMs;
      });
      await publish({ ...pace, transactionMessagesMax: 3 });
      await sendGift('v', 'room');
      await messagesUntil(1);
      for (let count = 0; count < 3; count++) await sendGift('v', 'room');
      await messagesUntil(4);
      await sendGift('v', 'room');
      await publishers[0]!.stop();
      expect(sizes).toEqual([1, 3]);
      await publish();
      expect(await messages()).toHaveLength(5);
    },
  );

  it('leaves what waits to the next publisher when it stops in the middle, and moves no checkpoint over it', async () => {
    const real = fanOut;
    let publishing = (): void => {};
    let goOn = (): void => {};
    const begun = new Promise<void>((resolve) => (publishing = resolve));
    const held = new Promise<void>((resolve) => (goOn = resolve));
    beforePublishing(async (published) => {
      if (published.length > 0) {
        publishing();
        await held;
      }
    });
    for (let count = 0; count < 3; count++) await sendGift('v', 'room');
    const first = newPublisher({ transactionMessagesMax: 1, checkpointEveryMs: 0 });
    first.start();
    await begun;
    const stopping = first.stop();
    goOn();
    await stopping;
    fanOut = real;
    expect((await messages()).map(({ id }) => id)).toEqual(['v.0']);
    await publish();
    expect((await messages()).map(({ id }) => id)).toEqual(['v.0', 'v.1', 'v.2']);
  });

  it.each([
    ['where the history begins, repeating nothing', 2, 1, ['v.0', 'v.1', 'v.2']],
    ['its checkpoint where that is earlier, leaving nothing out', 1, 2, ['v.0', 'v.1', 'v.2']],
  ])('goes on after a restore from %s', async (_, published, backedUp, expected) => {
    const first = await publish();
    for (let gift = 0; gift < published; gift++) await sendGift('v', 'room');
    await messagesUntil(published);
    await first.stop();
    store = await restored(backedUp);
    await publish();
    await sendGift('v', 'room', { giftId: 'v.2' });
    const seen = await messagesUntil(expected.length);
    expect(seen.map(({ id }) => id)).toEqual(expected);
    expect(seen.at(-1)).toMatchObject({ id: 'v.2', storeId: store.storeId });
    expect(bodyOf(seen.at(-1))).toMatchObject({ position: `${GENERATION}-${seen.at(-1)!.position}` });
  });

  it('leaves nothing out when it was away while the store was restored twice', async () => {
    const first = await publish();
    await sendGift('v', 'room');
    await sendGift('v', 'room');
    await messagesUntil(2);
    await first.stop();
    const disk = new InMemoryDisk(STORE_ID);
    store = new InMemoryEventStore(disk);
    await sendGift('v', 'room');
    for (const generation of [GENERATION, 'fedcba9876543210']) {
      await beginGeneration(store, { generation, eventId: generation, correlationId: 'restore', nowMs });
      store = new InMemoryEventStore(disk);
      await sendGift('v', 'room', { giftId: `new in ${generation}` });
    }
    await publish();
    const seen = (await messagesUntil(4)).map(({ id }) => id);
    expect(seen).toEqual(['v.0', 'v.1', `new in ${GENERATION}`, 'new in fedcba9876543210']);
  });

  it('gives up, and says so, when the checkpoint is of a history that this one does not go on from', async () => {
    const newer = await fanOut.openPublisher(0);
    const storeId = historyIdOf(STORE_ID, 'fedcba9876543210');
    await newer.publish([], { storeId, position: '0000000000000001' as Position });
    const publisher = await publish();
    expect(publisher.state()).toMatchObject({ caughtUp: false, failure: expect.stringContaining(storeId) as string });
  });

  it('gives up, and says so, when the checkpoint is of another store', async () => {
    const other = await fanOut.openPublisher(0);
    await other.publish([], { storeId: 'another', position: '0000000000000001' as Position });
    const publisher = await publish();
    expect(publisher.state()).toMatchObject({ caughtUp: false, failure: expect.stringContaining('another') as string });
  });
});

/** The store with so many gifts of a backup, in a new generation. */
async function restored(gifts: number): Promise<InMemoryEventStore> {
  const disk = new InMemoryDisk(STORE_ID);
  store = new InMemoryEventStore(disk);
  for (let gift = 0; gift < gifts; gift++) await sendGift('v', 'room');
  const ids = { eventId: `restored-${gifts}`, correlationId: 'restore' };
  await beginGeneration(store, { generation: GENERATION, ...ids, nowMs });
  return new InMemoryEventStore(disk);
}

/** Whose turn it is is said by hand. */
class HandedWork implements SharedWork {
  #parts: ReadonlySet<number>;
  #changed: (parts: ReadonlySet<number>) => void = () => {};
  isAgreedOn = true;

  constructor(
    readonly partCount: number,
    parts: readonly number[],
  ) {
    this.#parts = new Set(parts);
  }

  parts(): ReadonlySet<number> {
    return this.#parts;
  }

  isAgreed(): boolean {
    return this.isAgreedOn;
  }

  onChange(listener: (parts: ReadonlySet<number>) => void): void {
    this.#changed = listener;
  }

  start(): void {}

  async stop(): Promise<void> {}

  hand(parts: readonly number[]): void {
    this.#parts = new Set(parts);
    this.#changed(this.#parts);
  }
}

/** A room of that source partition. */
function roomIn(partition: number): string {
  for (let number = 0; ; number++) {
    if (sourcePartitionOf(`room-${number}`, fanOut.sourcePartitionCount) === partition) return `room-${number}`;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

function newFanOut(): FanOut {
  const clock = { now: () => nowMs, elapsedMs: () => nowMs };
  return createMemoryFanOut({ clock, retainMs: 600_000, retainMessagesMax: 10_000, sourcePartitionCount: 3 });
}

/** The fan-out from here on: `act` comes before each transaction, with what it will carry. */
function beforePublishing(act: (published: readonly RoomMessage[]) => void | Promise<void>): void {
  const real = fanOut;
  fanOut = {
    sourcePartitionCount: real.sourcePartitionCount,
    close: () => real.close(),
    subscribe: (options) => real.subscribe(options),
    end: () => real.end(),
    openPublisher: async (partition) => {
      const publisher = await real.openPublisher(partition);
      return {
        ...publisher,
        publish: async (published, checkpoint) => {
          await act(published);
          await publisher.publish(published, checkpoint);
        },
      };
    },
  };
}

/** Starts one, and waits until it has published what is in the log. */
async function publish(config: Partial<PublisherConfig> = {}, work?: SharedWork): Promise<Publisher> {
  const publisher = newPublisher(config, work);
  publisher.start();
  await publisher.caughtUp();
  return publisher;
}

function newPublisher(
  config: Partial<PublisherConfig>,
  work: SharedWork = allOfTheWork(fanOut.sourcePartitionCount),
): Publisher {
  const publisher = new Publisher({
    events: store,
    fanOut,
    work,
    clock: { now: () => nowMs, elapsedMs: () => nowMs },
    scheduler,
    telemetry: silentTelemetry,
    config: { ...PUBLISHER_DEFAULTS, backOffMs: 1, ...config },
  });
  publishers.push(publisher);
  return publisher;
}

async function messages(): Promise<readonly RoomMessage[]> {
  const subscription = await fanOut.subscribe({ backMs: 600_000 });
  const delivery = await subscription.next();
  await subscription.close();
  return inLogOrder(delivery!.messages);
}

async function messagesUntil(count: number): Promise<readonly RoomMessage[]> {
  const subscription = await fanOut.subscribe({ backMs: 600_000 });
  const seen: RoomMessage[] = [];
  while (seen.length < count) seen.push(...(await subscription.next())!.messages);
  await subscription.close();
  return seen;
}

const inLogOrder = (list: readonly RoomMessage[]): readonly RoomMessage[] =>
  [...list].sort((a, b) => (a.position < b.position ? -1 : 1));

const bodyOf = (message: RoomMessage | undefined): unknown => JSON.parse(message?.body ?? 'null');

async function append(stream: string, type: string, data: object): Promise<[revision: number, position: Position]> {
  const revision = (await store.readStream(stream, { direction: 'backwards', limit: 1 })).at(0)?.revision ?? null;
  const metadata = { $correlationId: 'x', $causationId: 'x', recordedAt: instant(nowMs) };
  const event: NewEvent = { id: 'x', type, schemaVersion: 1, data: { ...data, occurredAt: instant(nowMs) }, metadata };
  const { positions, revision: at } = await store.append(stream, [event], revision ?? 'no-stream');
  return [at, positions.at(-1)!];
}

async function listGift(name: string, title: string, icon: string): Promise<void> {
  await append(CATALOGUE_STREAM, 'GiftListed', { name, title, coins: 7, tier: 'small', icon });
}

async function openRoom(roomId: string, imported = false): Promise<void> {
  await append(roomStream(roomId), 'RoomOpened', { roomId, creatorId: 'c', title: 'Title', imported });
}

async function closeRoom(roomId: string): Promise<void> {
  await append(roomStream(roomId), 'RoomClosed', { roomId, creatorId: 'c' });
}

async function sendGift(viewerId: string, roomId: string, fields: object = {}): Promise<[giftId: string, Position]> {
  const revision = (await store.readStream(walletStream(viewerId), { limit: 10_000 })).length;
  const giftId = `${viewerId}.${revision}`;
  const [, position] = await append(walletStream(viewerId), 'GiftSent', {
    giftId,
    roomId,
    creatorId: 'c',
    viewerId,
    gift: 'rose',
    quantity: 2,
    priceCoins: 7,
    coins: 14,
    creatorShareBps: 5_000,
    diamonds: 700,
    streak: { id: giftId, count: 2, coins: 14 },
    message: null,
    sender: { name: 'Vera', avatarUrl: null },
    balance: 0,
    imported: false,
    importId: null,
    ...fields,
  });
  return [giftId, position];
}
