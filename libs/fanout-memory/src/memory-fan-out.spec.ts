import type { Position } from '@livegift/kernel';
import type { FanOut, RoomMessage } from '@livegift/fanout';
import { createMemoryFanOut } from './memory-fan-out.js';

const STORE_ID = 'store';
let nowMs: number;
let fanOut: FanOut;

const at = (number: number): Position => String(number).padStart(16, '0') as Position;

const message = (number: number): RoomMessage => ({
  type: 'gift-sent',
  id: `viewer.${number}`,
  roomId: 'room',
  storeId: STORE_ID,
  position: at(number),
  occurredAt: new Date(nowMs).toISOString(),
  body: '{}',
});

async function publish(from: number, to: number): Promise<void> {
  const publisher = await fanOut.openPublisher(0);
  for (let number = from; number <= to; number++) {
    await publisher.publish([message(number)], { storeId: STORE_ID, position: at(number) });
  }
}

async function begin(): Promise<void> {
  const publisher = await fanOut.openPublisher(0);
  await publisher.publish([], { storeId: STORE_ID, position: at(0) });
}

const numbers = (messages: readonly RoomMessage[]): number[] => messages.map(({ position }) => Number(position));

beforeEach(async () => {
  nowMs = 1_000_000;
  fanOut = createMemoryFanOut({
    clock: { elapsedMs: () => nowMs },
    retainMs: 1_000,
    retainMessagesMax: 10,
    sourcePartitionCount: 1,
    deliveryMessagesMax: 4,
  });
});

describe('the memory fan-out', () => {
  it('keeps so many messages and no more, and says where they begin', async () => {
    await begin();
    await publish(1, 25);
    const subscription = await fanOut.subscribe({ backMs: 1_000 });
    const first = await subscription.next();
    expect(first).toMatchObject({ floors: [{ sourcePartition: 0, position: at(15) }], caughtUp: false });
    expect(numbers(first!.messages)).toEqual([16, 17, 18, 19]);
    expect(numbers((await subscription.next())!.messages)).toEqual([20, 21, 22, 23]);
    expect(await subscription.next()).toMatchObject({ floors: [], caughtUp: true });
  });

  it('lets messages go by age', async () => {
    await begin();
    await publish(1, 2);
    nowMs += 1_001;
    await publish(3, 3);
    const delivery = await (await fanOut.subscribe({ backMs: 60_000 })).next();
    expect(numbers(delivery!.messages)).toEqual([3]);
    expect(delivery!.floors).toEqual([{ sourcePartition: 0, position: at(2) }]);
  });

  it('skips what was published before backMs, and raises the floor over it', async () => {
    await begin();
    await publish(1, 2);
    nowMs += 500;
    await publish(3, 3);
    const delivery = await (await fanOut.subscribe({ backMs: 100 })).next();
    expect(numbers(delivery!.messages)).toEqual([3]);
    expect(delivery!.floors).toEqual([{ sourcePartition: 0, position: at(2) }]);
  });

  it('tells a subscriber that fell behind that it must subscribe again, and goes on for the others', async () => {
    await begin();
    const slow = await fanOut.subscribe({ backMs: 1_000 });
    expect((await slow.next())!.caughtUp).toBe(true);
    await publish(1, 11);
    await expect(slow.next()).rejects.toMatchObject({ code: 'unavailable' });
    const again = await fanOut.subscribe({ backMs: 1_000 });
    expect(numbers((await again.next())!.messages)).toEqual([2, 3, 4, 5]);
  });

  it('tells the floor of a partition that begins after the subscription', async () => {
    const subscription = await fanOut.subscribe({ backMs: 1_000 });
    expect(await subscription.next()).toEqual({ messages: [], floors: [], caughtUp: true });
    const waiting = subscription.next();
    await begin();
    expect(await waiting).toEqual({
      messages: [],
      floors: [{ sourcePartition: 0, position: at(0) }],
      caughtUp: true,
    });
  });

  it('takes the first message for the floor when it was not told one', async () => {
    await publish(5, 6);
    const delivery = await (await fanOut.subscribe({ backMs: 1_000 })).next();
    expect(delivery!.floors).toEqual([{ sourcePartition: 0, position: at(5) }]);
  });

  it('ends subscriptions and refuses everything once it is closed', async () => {
    const subscription = await fanOut.subscribe({ backMs: 0 });
    await subscription.next();
    const waiting = subscription.next();
    await fanOut.close();
    expect(await waiting).toBeNull();
    await expect(fanOut.subscribe({ backMs: 0 })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(fanOut.openPublisher(0)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
