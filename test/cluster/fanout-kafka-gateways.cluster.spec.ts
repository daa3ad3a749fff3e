import { sourcePartitionOf, type FanOut, type RoomMessage } from '@livegift/fanout';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { instant, silentTelemetry, type Position } from '@livegift/kernel';
import { startKafka, type LocalKafka } from '@livegift/local-servers';
import { systemClock, systemScheduler } from '@livegift/process';
import { FeedPump } from '@livegift/room-gateway/feed-pump';
import { describeWithServers } from '../support/servers.js';
import { ROOM_FEED_DEFAULTS, RoomFeed, type FrameBatch, type RoomSubscriber } from '@livegift/room-feed';

jest.setTimeout(600_000);

const STORE_ID = '6d1f7a52-6d3c-4c7e-9d52-0f2a2f0a8f11';
const ROOM = 'evening';
const FACTS = { creatorId: 'grace', title: null };
const NO_BOARD = { entries: [], position: null };

let broker: LocalKafka;
let writing: FanOut;
let gateways: Gateway[] = [];

describeWithServers(['kafka'], 'gateways over one Kafka', () => {
  beforeAll(async () => {
    broker = await startKafka();
    writing = await openFanOut();
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await writing.close();
    await broker.stop();
  });

  it('know the same frames, so that a client that moves from one to another in a streak misses nothing', async () => {
    await beginAll();
    const [one, two] = [await startGateway(), await startGateway()];
    await send(1, 5);
    await one.reached(5);
    const first = one.join(null);
    await send(6, 8);
    await first.until(8);
    expect(first.frameIds).toEqual([6, 7, 8].map(frameId));
    one.leave(first);
    await send(9, 12);
    await two.reached(12);
    const second = two.join(frameId(8));
    expect(second.frameIds).toEqual([9, 10, 11, 12].map(frameId));
    expect(second.isComplete).toBe(true);
    // One that starts now fills its windows with what was there before.
    const late = await startGateway();
    const third = late.join(frameId(3));
    expect(third.frameIds).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12].map(frameId));
    expect(third.isComplete).toBe(true);
    await send(13, 13);
    for (const client of [second, third]) await client.until(13);
    expect(third.gifts.slice(-5)).toEqual(second.gifts);
  });

  it('call a resume complete in a room that carried nothing yet, and miss nothing that follows', async () => {
    const gateway = await startGateway();
    const client = gateway.join(null, 'silent');
    const again = gateway.join(client.welcome, 'silent');
    expect(again.isComplete).toBe(true);
    expect(again.gifts).toEqual([]);
  });
});

interface Frame {
  readonly type: string;
  readonly frameId?: string;
  readonly complete?: boolean;
}

/** One client's connection: keeps what it was sent. */
class Client implements RoomSubscriber {
  readonly #frames: Frame[] = [];

  write(batch: FrameBatch): void {
    for (const { json } of batch.frames) this.#frames.push(JSON.parse(json) as Frame);
  }

  end(): void {}

  get gifts(): readonly Frame[] {
    return this.#frames.filter(({ type }) => type === 'gift');
  }

  get frameIds(): readonly (string | undefined)[] {
    return this.gifts.map((gift) => gift.frameId);
  }

  get welcome(): string {
    return this.#frames.find(({ type }) => type === 'welcome')!.frameId!;
  }

  get isComplete(): boolean {
    return this.#frames.find(({ type }) => type === 'recovered')!.complete!;
  }

  async until(number: number): Promise<void> {
    while (this.gifts.at(-1)?.frameId !== frameId(number)) await turn();
  }
}

class Gateway {
  readonly #feed: RoomFeed;
  readonly #pump: FeedPump;

  constructor(private readonly fanOut: FanOut) {
    const outside = { clock: systemClock, scheduler: systemScheduler, telemetry: silentTelemetry };
    this.#feed = new RoomFeed({
      epoch: STORE_ID,
      sourcePartitionCount: fanOut.sourcePartitionCount,
      sourcePartitionOf: (roomId) => sourcePartitionOf(roomId, fanOut.sourcePartitionCount),
      askBoard: () => Promise.resolve(NO_BOARD),
      ...outside,
      config: ROOM_FEED_DEFAULTS,
    });
    const config = { backMs: 900_000, backOffMs: 100, backOffMsMax: 1_000 };
    this.#pump = new FeedPump({ fanOut, feed: this.#feed, ...outside, config });
  }

  async start(): Promise<void> {
    this.#pump.start();
    await this.#pump.whenCaughtUp();
  }

  async stop(): Promise<void> {
    await this.#pump.stop();
    this.#feed.close('going-away');
    await this.fanOut.close();
  }

  join(from: string | null, roomId = ROOM): Client {
    const client = new Client();
    this.#feed.join(client, { roomId, facts: FACTS, board: NO_BOARD, from });
    return client;
  }

  leave(client: Client): void {
    this.#feed.leave(client, ROOM);
  }

  async reached(number: number): Promise<void> {
    while (!this.#feed.hasReached(ROOM, frameId(number))) await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const at = (number: number): Position => String(number).padStart(40, '0') as Position;
const frameId = (number: number): string => `${STORE_ID}:${at(number)}`;

function openFanOut(): Promise<FanOut> {
  return openKafkaFanOut({
    brokers: [broker.brokers],
    clientId: 'gateways',
    clock: systemClock,
    scheduler: systemScheduler,
    telemetry: silentTelemetry,
    partitions: 3,
  });
}

async function startGateway(): Promise<Gateway> {
  const gateway = new Gateway(await openFanOut());
  gateways.push(gateway);
  await gateway.start();
  return gateway;
}

/** As a publisher does at the beginning of a log. */
async function beginAll(): Promise<void> {
  for (let partition = 0; partition < writing.sourcePartitionCount; partition++) {
    const publisher = await writing.openPublisher(partition);
    await publisher.publish([], { storeId: STORE_ID, position: at(0) });
    await publisher.close();
  }
}

async function send(from: number, to: number): Promise<void> {
  const publisher = await writing.openPublisher(sourcePartitionOf(ROOM, writing.sourcePartitionCount));
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  await publisher.publish(numbers.map(gift), { storeId: STORE_ID, position: at(to) });
  await publisher.close();
}

function gift(number: number): RoomMessage {
  const [position, id] = [at(number), `ada.${number}`];
  const occurredAt = instant(systemClock.now());
  const giftInfo = { title: 'Rose', priceCoins: 1, icon: '🌹' };
  const streak = { id: 'ada.1', count: number };
  const body = { type: 'gift', giftId: id, position, roomId: ROOM, viewerId: 'ada', gift: 'rose', giftInfo };
  const all = { ...body, quantity: 1, coins: 1, streak, occurredAt };
  return { type: 'gift-sent', id, roomId: ROOM, storeId: STORE_ID, position, occurredAt, body: JSON.stringify(all) };
}
