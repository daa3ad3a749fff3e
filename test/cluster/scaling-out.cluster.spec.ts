/** More than one process of each app, over one event store, Redis and Kafka: they share the work, and none is missed. */
import { startRedis } from '@livegift/local-servers';
import { eventually } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { describeWithServers } from '../support/servers.js';
import { Crowd } from './scaling-out.crowd.js';
import { describeTwoGiftApis } from './scaling-out.gift-apis.js';
import { describeTwoRoomGateways } from './scaling-out.room-gateways.js';
import {
  agreedParts,
  creditedIn,
  giftsIn,
  idsOf,
  logOf,
  metricOf,
  readModelDifferences,
  SEEN_MS_MAX,
  TopicReader,
} from './scaling-out.witnesses.js';

const STARTED_MS_MAX = 240_000;
const PARTITIONS = 64;
const SOURCE_PARTITIONS = 12;

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(180_000);

describeWithServers(['redis', 'kafka'], 'two processes of each app', () => {
  let cluster: Cluster;
  let crowd: Crowd;

  beforeAll(async () => {
    const counts = { 'gift-api': 2, settlement: 2, projector: 2, publisher: 2, 'room-gateway': 2 };
    cluster = await Cluster.start({ counts });
    const urls = cluster.appsOf('gift-api').map(({ url }) => url);
    crowd = new Crowd(urls, 'crowd');
    await crowd.furnish();
  }, STARTED_MS_MAX);

  afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

  const metrics = (app: Parameters<Cluster['appsOf']>[0], name: string): Promise<readonly number[]> =>
    Promise.all(
      cluster
        .appsOf(app)
        .filter(({ isRunning }) => isRunning)
        .map((process) => metricOf(process, name)),
    );
  const shares = (app: 'projector' | 'publisher' | 'settlement', wanted: readonly number[]): Promise<unknown> =>
    eventually(
      async () => (await metrics(app, `lease_parts_held\\{group="${app}"\\}`)).toSorted((a, b) => a - b),
      (held) => JSON.stringify(held) === JSON.stringify(wanted),
      SEEN_MS_MAX,
    );
  describeTwoGiftApis(() => cluster);
  describeTwoRoomGateways(() => cluster);

  it("of projector and publisher share the work, and nobody does what is the other one's", async () => {
    await shares('projector', [PARTITIONS / 2, PARTITIONS / 2]);
    await shares('publisher', [SOURCE_PARTITIONS / 2, SOURCE_PARTITIONS / 2]);
    for (const [group, count] of [
      ['projector', PARTITIONS],
      ['publisher', SOURCE_PARTITIONS],
    ] as const) {
      const parts = (await agreedParts(cluster, group)).flat().toSorted((a, b) => a - b);
      expect(parts).toEqual(Array.from({ length: count }, (_, part) => part));
    }
    await cluster.ready();
    const workedTwice = async (): Promise<readonly number[]> => [
      ...(await metrics('projector', 'projector_batches_refused_total')),
      ...(await metrics('publisher', 'publisher_fenced_total')),
    ];
    const before = [await workedTwice(), await metrics('publisher', 'publisher_messages_total')] as const;
    await crowd.send(300);
    expect(await readModelDifferences(cluster)).toEqual([]);
    expect(await workedTwice()).toEqual(before[0]);
    const published = await eventually(
      () => metrics('publisher', 'publisher_messages_total'),
      (counts) => counts.reduce((sum, count) => sum + count, 0) >= before[1].reduce((sum, count) => sum + count, 300),
      SEEN_MS_MAX,
    );
    for (const [index, count] of published.entries()) expect(count).toBeGreaterThan(before[1][index]!);
  });

  it('of settlement at once by mistake still make one credit of each gift', async () => {
    // One settles and the other stands by, ready; a third one that names another Redis knows of neither.
    await shares('settlement', [0, 1]);
    await cluster.ready();
    const elsewhere = await startRedis({ persistence: 'none' });
    try {
      await cluster.addApp('settlement', 'settlement-astray', { REDIS_URL: elsewhere.url });
      await shares('settlement', [0, 1, 1]);
      await crowd.send(400);
      await everyGiftCredited();
    } finally {
      await Promise.allSettled([cluster.app('settlement-astray').kill()]);
      await elsewhere.stop();
    }
  });

  it('go on when a machine dies with one of each, and share again when it is back', async () => {
    const holder = (await metrics('settlement', 'lease_parts_held\\{group="settlement"\\}')).indexOf(1);
    const onTheMachine = ['gift-api-2', 'projector-2', 'publisher-2', 'room-gateway-2', `settlement-${holder + 1}`];
    const reader = await TopicReader.start(cluster);
    try {
      crowd.start();
      await Promise.all(onTheMachine.map((name) => cluster.app(name).kill()));
      const others = cluster.apps.filter(({ isRunning }) => isRunning);
      await shares('projector', [PARTITIONS]);
      await shares('publisher', [SOURCE_PARTITIONS]);
      await shares('settlement', [1]);
      await Promise.all(others.map(({ name }) => cluster.ready(name)));
      await crowd.stop();
      await wholeAndOnce(reader);

      crowd.start();
      for (const name of onTheMachine) cluster.app(name).start();
      await cluster.ready();
      await shares('projector', [PARTITIONS / 2, PARTITIONS / 2]);
      await shares('publisher', [SOURCE_PARTITIONS / 2, SOURCE_PARTITIONS / 2]);
      await cluster.ready();
      await crowd.stop();
      await wholeAndOnce(reader);
    } finally {
      await crowd.stop();
      await reader.stop();
    }
  });

  /** Each accepted gift: once in the log, once in Kafka and in order of its room, once in the read model, credited once. */
  async function wholeAndOnce(reader: TopicReader): Promise<void> {
    const gifts = giftsIn(await logOf(cluster));
    const ofCrowd = gifts.filter(({ data }) => crowd.rooms.includes(data.roomId));
    expect(idsOf(ofCrowd).toSorted()).toEqual(crowd.giftIds.toSorted());
    await eventually(
      async () => reader.count,
      (count) => count >= gifts.length,
      SEEN_MS_MAX,
    );
    for (const roomId of new Set(gifts.map(({ data }) => data.roomId))) {
      expect(reader.of(roomId)).toEqual(idsOf(gifts.filter(({ data }) => data.roomId === roomId)));
    }
    await everyGiftCredited();
    expect(await readModelDifferences(cluster)).toEqual([]);
  }

  async function everyGiftCredited(): Promise<void> {
    const events = await eventually(
      () => logOf(cluster),
      (found) => creditedIn(found).length >= giftsIn(found).length,
      SEEN_MS_MAX,
    );
    expect(creditedIn(events).toSorted()).toEqual(idsOf(giftsIn(events)).toSorted());
  }
});
