import { instant, type Checkpoint, type Clock, type Position } from '@livegift/kernel';
import type { FanOut, FanOutDelivery, FanOutSubscription, PartitionFloor, RoomMessage } from '../fanout.js';
import { sourcePartitionOf } from '../source-partition.js';

/** One fan-out under test. Cases use rooms and positions of their own, so nothing has to be cleaned. */
export interface FanOutHarness {
  /** Makes rooms and positions rise from run to run. */
  readonly clock: Clock;
  /** A connection of its own to the same fan-out, as another process would open it. */
  open(): Promise<FanOut>;
  close(): Promise<void>;
}

const STORE_ID = '6d1f7a52-6d3c-4c7e-9d52-0f2a2f0a8f11';
const BACK_MS = 60_000;
let counter = 0;
let clock: Clock;

/** Every promise of `FanOut`, held against one adapter. */
export function describeFanOutContract(name: string, openHarness: () => Promise<FanOutHarness>): void {
  describe(`the fan-out contract, kept by ${name}`, () => {
    let harness: FanOutHarness;
    let fanOut: FanOut;

    beforeAll(async () => {
      harness = await openHarness();
      ({ clock } = harness);
    });
    afterAll(async () => harness.close());
    beforeEach(async () => {
      fanOut = await harness.open();
    });
    afterEach(async () => fanOut.close());

    describeDelivery(() => fanOut);
    describeCheckpoints(() => fanOut);

    it('carries messages from one process to another', async () => {
      const other = await harness.open();
      const room = roomIn(0, fanOut);
      const subscription = await other.subscribe({ backMs: BACK_MS });
      const [message] = await publish(fanOut, room, 1);
      expect(await collect(subscription, [room], 1)).toEqual([message]);
      await other.close();
    });
  });
}

function describeDelivery(get: () => FanOut): void {
  it('delivers a message whole, with everything that it was published with', async () => {
    const room = roomIn(0, get());
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const published = await publish(get(), room, 1);
    expect(await collect(subscription, [room], 1)).toEqual(published);
  });

  it('delivers what was published before the subscription and what comes later, in order, without a gap', async () => {
    const room = roomIn(0, get());
    const before = await publish(get(), room, 5);
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const after = await publish(get(), room, 5);
    expect(await collect(subscription, [room], 10)).toEqual([...before, ...after]);
  });

  it('keeps the order of position over the rooms of a source partition', async () => {
    const rooms = [roomIn(0, get()), roomIn(0, get()), roomIn(0, get())];
    const messages = Array.from({ length: 30 }, (_, index) => messageOf(rooms[index % 3]!));
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const publisher = await get().openPublisher(0);
    await publisher.publish(messages.slice(0, 20), through(messages[19]!));
    await publisher.publish(messages.slice(20), through(messages[29]!));
    expect(await collect(subscription, rooms, 30)).toEqual(messages);
    await publisher.close();
  });

  it('has reached the end once everything is delivered, and the end rises with every publish', async () => {
    const room = roomIn(0, get());
    const subscription = await get().subscribe({ backMs: BACK_MS });
    let end = await get().end();
    for (let round = 0; round < 2; round++) {
      await publish(get(), room, 3);
      const before = end;
      end = await get().end();
      expect(end).toBeGreaterThan(before);
      let seen = 0;
      while (seen < 3) seen += ofRooms((await deliveryOf(subscription)).messages, [room]).length;
      while (subscription.reached() < end) await get().end();
    }
    await subscription.close();
  });

  it('says caught up once all that was there has been delivered, also when nothing was', async () => {
    const room = roomIn(0, get());
    await publish(get(), room, 3);
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const seen: RoomMessage[] = [];
    for (;;) {
      const { messages, caughtUp } = await deliveryOf(subscription);
      seen.push(...messages);
      if (caughtUp) break;
    }
    expect(ofRooms(seen, [room])).toHaveLength(3);
    const fresh = await get().subscribe({ backMs: 0 });
    while (!(await deliveryOf(fresh)).caughtUp);
  });

  it('shows every subscriber every room, and one that is slow holds up nobody', async () => {
    const rooms = Array.from({ length: get().sourcePartitionCount }, (_, partition) => roomIn(partition, get()));
    const slow = await get().subscribe({ backMs: BACK_MS });
    const one = await get().subscribe({ backMs: BACK_MS });
    const two = await get().subscribe({ backMs: BACK_MS });
    for (const room of rooms) await publish(get(), room, 100);
    for (const subscription of [one, two]) {
      const seen = await collect(subscription, rooms, 100 * rooms.length);
      for (const room of rooms) expect(ofRooms(seen, [room])).toHaveLength(100);
    }
    expect(ofRooms((await deliveryOf(slow)).messages, rooms).length).toBeLessThanOrEqual(100 * rooms.length);
  });

  it('repeats a message that is published again, with the same id', async () => {
    const room = roomIn(0, get());
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const message = messageOf(room);
    for (let attempt = 0; attempt < 2; attempt++) {
      const publisher = await get().openPublisher(0);
      await publisher.publish([message], through(message));
      await publisher.close();
    }
    expect(await collect(subscription, [room], 2)).toEqual([message, message]);
  });

  it('says from which position on each source partition is complete, at or before its first message', async () => {
    const room = roomIn(0, get());
    const [first] = await publish(get(), room, 2);
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const floors: PartitionFloor[] = [];
    for (let found = false; !found;) {
      const delivery = await deliveryOf(subscription);
      floors.push(...delivery.floors);
      found = ofRooms(delivery.messages, [room]).length > 0;
    }
    const ours = floors.filter(({ sourcePartition }) => sourcePartition === 0);
    expect(ours).toHaveLength(1);
    expect(ours[0]!.position <= first!.position).toBe(true);
  });

  it('has lost nothing after the position that it is complete from, also when it begins after the newest message', async () => {
    const room = roomIn(0, get());
    const published = await publish(get(), room, 5);
    const { seen, floors } = await untilCaughtUp(await get().subscribe({ backMs: 0 }));
    const floor = floors.find(({ sourcePartition }) => sourcePartition === 0)!;
    const expected = published.filter(({ position }) => position > floor.position);
    expect(ofRooms(seen, [room]).filter(({ position }) => position > floor.position)).toEqual(expected);
    expect(floor.position <= published.at(-1)!.position).toBe(true);
  });

  it('says of every source partition where it is complete from, also of those that carried nothing', async () => {
    for (let partition = 0; partition < get().sourcePartitionCount; partition++) {
      const publisher = await get().openPublisher(partition);
      if (publisher.checkpoint === null) await publisher.publish([], { storeId: STORE_ID, position: nextPosition() });
      await publisher.close();
    }
    const { floors } = await untilCaughtUp(await get().subscribe({ backMs: 0 }));
    const partitions = floors.map(({ sourcePartition }) => sourcePartition).sort((a, b) => a - b);
    expect(partitions).toEqual(Array.from({ length: get().sourcePartitionCount }, (_, partition) => partition));
  });

  it('carries as many messages at once as a publisher has, whole and in order', async () => {
    const room = roomIn(0, get());
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const padding = 'x'.repeat(1_000);
    const messages = Array.from({ length: 5_000 }, () => ({ ...messageOf(room), body: padding }));
    const publisher = await get().openPublisher(0);
    await publisher.publish(messages, through(messages.at(-1)!));
    await publisher.close();
    expect(await collect(subscription, [room], messages.length)).toEqual(messages);
  });

  it('ends a subscription that is closed, also while it waits', async () => {
    const subscription = await get().subscribe({ backMs: 0 });
    while (!(await deliveryOf(subscription)).caughtUp);
    const waiting = (async (): Promise<null> => {
      while ((await subscription.next()) !== null);
      return null;
    })();
    await subscription.close();
    expect(await waiting).toBeNull();
    expect(await subscription.next()).toBeNull();
  });
}

function describeCheckpoints(get: () => FanOut): void {
  it('gives the next publisher the checkpoint that was published last, with or without messages', async () => {
    const last = get().sourcePartitionCount - 1;
    const [message] = await publish(get(), roomIn(last, get()), 1);
    const second = await get().openPublisher(last);
    expect(second.checkpoint).toEqual(through(message!));
    const moved: Checkpoint = { storeId: STORE_ID, position: nextPosition() };
    await second.publish([], moved);
    await second.close();
    const third = await get().openPublisher(last);
    expect(third.checkpoint).toEqual(moved);
    await third.close();
  });

  it('fences the publisher before: nothing of it becomes visible, neither messages nor checkpoint', async () => {
    const room = roomIn(0, get());
    const subscription = await get().subscribe({ backMs: BACK_MS });
    const old = await get().openPublisher(0);
    const kept = messageOf(room);
    await old.publish([kept], through(kept));
    const young = await get().openPublisher(0);
    const lost = messageOf(room);
    await expect(old.publish([lost], through(lost))).rejects.toMatchObject({ name: 'FanOutError', code: 'fenced' });
    const last = messageOf(room);
    await young.publish([last], through(last));
    expect(await collect(subscription, [room], 2)).toEqual([kept, last]);
    await old.close();
    await young.close();
    const next = await get().openPublisher(0);
    expect(next.checkpoint).toEqual(through(last));
    await next.close();
  });

  it('leaves the other source partitions alone when it fences one', async () => {
    const partition = get().sourcePartitionCount - 1;
    if (partition === 0) return;
    const other = await get().openPublisher(partition);
    const fencing = await get().openPublisher(0);
    const message = messageOf(roomIn(partition, get()));
    await other.publish([message], through(message));
    await fencing.close();
    await other.close();
  });

  it('refuses to publish through a publisher that is closed', async () => {
    const publisher = await get().openPublisher(0);
    await publisher.close();
    const message = messageOf(roomIn(0, get()));
    await expect(publisher.publish([message], through(message))).rejects.toMatchObject({ code: 'unavailable' });
  });
}

/** A room that nobody used before, in that source partition. */
function roomIn(partition: number, fanOut: FanOut): string {
  for (;;) {
    const room = `room-${clock.now().toString(36)}-${counter++}`;
    if (sourcePartitionOf(room, fanOut.sourcePartitionCount) === partition) return room;
  }
}

/** Rises over everything that this suite ever published, also in earlier runs. */
function nextPosition(): Position {
  return `${clock.now()}${String(counter++ % 1e7).padStart(7, '0')}` as Position;
}

function messageOf(roomId: string): RoomMessage {
  const position = nextPosition();
  const body = JSON.stringify({ type: 'gift', giftId: `viewer.${counter}`, roomId, position, message: 'grüße 🎁' });
  const occurredAt = instant(clock.now());
  return { type: 'gift-sent', id: `viewer.${counter}`, roomId, storeId: STORE_ID, position, occurredAt, body };
}

function through(message: RoomMessage): Checkpoint {
  return { storeId: message.storeId, position: message.position };
}

async function publish(fanOut: FanOut, roomId: string, count: number): Promise<readonly RoomMessage[]> {
  const messages = Array.from({ length: count }, () => messageOf(roomId));
  const publisher = await fanOut.openPublisher(sourcePartitionOf(roomId, fanOut.sourcePartitionCount));
  await publisher.publish(messages, through(messages.at(-1)!));
  await publisher.close();
  return messages;
}

async function deliveryOf(subscription: FanOutSubscription): Promise<FanOutDelivery> {
  const delivery = await subscription.next();
  if (delivery === null) throw new Error('the subscription has ended');
  return delivery;
}

async function untilCaughtUp(
  subscription: FanOutSubscription,
): Promise<{ readonly seen: readonly RoomMessage[]; readonly floors: readonly PartitionFloor[] }> {
  const seen: RoomMessage[] = [];
  const floors: PartitionFloor[] = [];
  for (;;) {
    const delivery = await deliveryOf(subscription);
    seen.push(...delivery.messages);
    floors.push(...delivery.floors);
    if (delivery.caughtUp) break;
  }
  await subscription.close();
  return { seen, floors };
}

const ofRooms = (messages: readonly RoomMessage[], rooms: readonly string[]): RoomMessage[] =>
  messages.filter(({ roomId }) => rooms.includes(roomId));

async function collect(
  subscription: FanOutSubscription,
  rooms: readonly string[],
  count: number,
): Promise<RoomMessage[]> {
  const seen: RoomMessage[] = [];
  while (seen.length < count) seen.push(...ofRooms((await deliveryOf(subscription)).messages, rooms));
  await subscription.close();
  return seen;
}
