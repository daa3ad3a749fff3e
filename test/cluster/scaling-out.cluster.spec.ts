/** More than one process of each app, over one event store, Redis and Kafka: they share the work, and none is missed. */
import { startRedis } from '@livegift/local-servers';
import { ApiClient, eventually, type Answer } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { openSse, openWebSocket, type RoomConnection, type RoomFrame } from '../support/room-clients.js';
import { describeWithServers } from '../support/servers.js';
import { Crowd, definite } from './scaling-out.crowd.js';
import {
  agreedParts,
  creditedIn,
  giftsIn,
  idsOf,
  logOf,
  metricOf,
  readModelDifferences,
  TopicReader,
} from './scaling-out.witnesses.js';

const STARTED_MS_MAX = 240_000;
const SEEN_MS_MAX = 60_000;
const PARTITIONS = 64;
const SOURCE_PARTITIONS = 12;
const price = { amountMinor: 499, currency: 'USD' };

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(180_000);

describeWithServers(['redis', 'kafka'], 'two processes of each app', () => {
  let cluster: Cluster;
  let apis: readonly [ApiClient, ApiClient];
  let crowd: Crowd;

  beforeAll(async () => {
    const counts = { 'gift-api': 2, settlement: 2, projector: 2, publisher: 2, 'room-gateway': 2 };
    cluster = await Cluster.start({ counts });
    const [one, other] = cluster.appsOf('gift-api').map(({ url }) => new ApiClient(url));
    apis = [one!, other!];
    crowd = new Crowd(urlsOf(), 'crowd');
    await crowd.furnish();
  }, STARTED_MS_MAX);

  afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

  const urlsOf = (): readonly string[] => cluster.appsOf('gift-api').map(({ url }) => url);
  const metrics = (app: Parameters<Cluster['appsOf']>[0], name: string): Promise<readonly number[]> =>
    Promise.all(
      cluster
        .appsOf(app)
        .filter(({ isRunning }) => isRunning)
        .map((process) => metricOf(process, name)),
    );
  const sumOf = async (...asked: Parameters<typeof metrics>): Promise<number> =>
    (await metrics(...asked)).reduce((sum, count) => sum + count, 0);
  const shares = (app: 'projector' | 'publisher' | 'settlement', wanted: readonly number[]): Promise<unknown> =>
    eventually(
      async () => (await metrics(app, `${app}_parts_held`)).toSorted((a, b) => a - b),
      (held) => JSON.stringify(held) === JSON.stringify(wanted),
      SEEN_MS_MAX,
    );
  const openWallet = async (viewerId: string, coins: number): Promise<void> => {
    const opened = await apis[0].post('/v1/wallets', { viewerId, region: 'FR', ageAssured: true });
    const bought = { coins, price, provider: 'shop', paymentId: viewerId };
    expect([
      opened.status,
      (await apis[0].keyed(`/v1/wallets/${viewerId}/purchases`, viewerId, bought)).status,
    ]).toEqual([201, 201]);
  };

  describe('of gift-api, one wallet', () => {
    const ROOM = 'scaling-out';
    const giftAt = (api: ApiClient, key: string, gift: object): Promise<Answer> =>
      api.keyed(`/v1/rooms/${ROOM}/gifts`, key, gift);

    beforeAll(async () => {
      const room = { roomId: ROOM, creatorId: 'cleo' };
      expect(await apis[0].post('/v1/rooms', room)).toMatchObject({ status: 201 });
    });

    it('is never overdrawn, loses no gift, and a conflict is decided again', async () => {
      const [coins, attempts, atOnce] = [250, 400, 16];
      await openWallet('hot', coins);
      const before = await sumOf('gift-api', 'commands_conflicts_total');
      let next = 0;
      const answers: Answer[] = [];
      const sender = async (first: ApiClient, then: ApiClient): Promise<void> => {
        while (next < attempts) {
          const gift = { viewerId: 'hot', gift: 'rose' };
          answers.push(await definite([first, then], `/v1/rooms/${ROOM}/gifts`, `hot ${next++}`, gift));
        }
      };
      const [one, other] = apis;
      await Promise.all(
        Array.from({ length: atOnce }, (_, index) => (index % 2 === 0 ? sender(one, other) : sender(other, one))),
      );
      const accepted = answers.filter(({ status }) => status === 201);
      const refused = answers.filter(({ body }) => body['code'] === 'balance-too-low');
      expect([accepted.length, refused.length]).toEqual([coins, attempts - coins]);
      const balances = accepted.map(({ body }) => Number(body['balance'])).toSorted((a, b) => a - b);
      expect(balances).toEqual(Array.from({ length: coins }, (_, balance) => balance));
      const events = (await logOf(cluster)).filter(({ stream }) => stream === 'wallet-hot');
      const acknowledged = accepted.map(({ body }) => body['giftId'] as string);
      expect(idsOf(giftsIn(events)).toSorted()).toEqual(acknowledged.toSorted());
      expect(await sumOf('gift-api', 'commands_conflicts_total')).toBeGreaterThan(before);
    });

    it('acts once on one key, and both processes give its answer', async () => {
      await openWallet('twice', 1_000);
      const replayed = ({ headers }: Answer): boolean => headers.get('idempotency-replayed') === 'true';
      const both = (path: string, key: string, body: object): Promise<readonly Answer[]> =>
        Promise.all(apis.map((api) => definite([api], path, key, body)));
      const giftIds: unknown[] = [];
      for (let turn = 0; turn < 10; turn++) {
        const gift = { viewerId: 'twice', gift: 'rose', quantity: 1 + turn };
        const gifts = await both(`/v1/rooms/${ROOM}/gifts`, `twice ${turn}`, gift);
        const payment = { coins: 1 + turn, price, provider: 'shop', paymentId: `twice ${turn}` };
        const purchases = await both('/v1/wallets/twice/purchases', `buy ${turn}`, payment);
        for (const [one, other] of [gifts, purchases]) {
          expect([one!.status, one!.body]).toEqual([201, other!.body]);
          expect([replayed(one!), replayed(other!)].toSorted()).toEqual([false, true]);
        }
        const otherBody = { ...gift, quantity: 100 };
        for (const { status, body } of await both(`/v1/rooms/${ROOM}/gifts`, `twice ${turn}`, otherBody)) {
          expect([status, body['code']]).toEqual([422, 'idempotency-key-reused']);
        }
        giftIds.push(gifts[0]!.body['giftId']);
      }
      const lines = Array.from({ length: 20 }, (_, line) => ({
        idempotencyKey: `line ${line}`,
        roomId: ROOM,
        viewerId: 'twice',
        gift: 'rose',
      }));
      const [one, other] = await Promise.all(apis.map((api) => api.lines('/v1/gifts/bulk', lines)));
      for (const [line, answer] of one!.body.entries()) {
        expect([answer['status'], other!.body[line]!['status']].toSorted()).toEqual(['accepted', 'replayed']);
        expect(answer['giftId']).toBe(other!.body[line]!['giftId']);
        giftIds.push(answer['giftId']);
      }
      const events = (await logOf(cluster)).filter(({ stream }) => stream === 'wallet-twice');
      expect(idsOf(giftsIn(events)).toSorted()).toEqual(giftIds.toSorted());
      expect(events.filter(({ type }) => type === 'CoinsPurchased')).toHaveLength(11);
    });

    it('has the coins that were bought through the other process at once, and its room', async () => {
      await openWallet('split', 1);
      for (let turn = 0; turn < 10; turn++) {
        const [here, there] = turn % 2 === 0 ? apis : [apis[1], apis[0]];
        const opened = await here.post('/v1/rooms', { roomId: `split-${turn}`, creatorId: 'cleo' });
        const spent = await there.keyed(`/v1/rooms/split-${turn}/gifts`, `spent ${turn}`, {
          viewerId: 'split',
          gift: 'rose',
        });
        expect([opened.status, spent.status, spent.body['balance']]).toEqual([201, 201, 0]);
        const broke = await giftAt(there, `broke ${turn}`, { viewerId: 'split', gift: 'rose' });
        expect([broke.status, broke.body['balance']]).toEqual([402, 0]);
        const payment = { coins: 1, price, provider: 'shop', paymentId: `split ${turn}` };
        expect(await there.keyed('/v1/wallets/split/purchases', `split ${turn}`, payment)).toMatchObject({
          status: 201,
        });
      }
    });
  });

  describe('of room-gateway', () => {
    const framesOf = (frames: readonly RoomFrame[]): readonly RoomFrame[] =>
      frames.filter(({ type }) => type === 'gift');
    const welcomed = (connection: RoomConnection): Promise<unknown> =>
      eventually(
        async () => connection.frames[0]?.type,
        (type) => type === 'welcome',
        SEEN_MS_MAX,
      );

    it('each serves everything, and a client that moves in the middle of a streak goes on as if it had not', async () => {
      const [moves, seenBetween] = [6, 8];
      await openWallet('fan', 10_000);
      expect(await apis[0].post('/v1/rooms', { roomId: 'stage', creatorId: 'singer' })).toMatchObject({ status: 201 });
      const gateways = cluster.appsOf('room-gateway').map(({ url }) => url);
      await Promise.all(
        gateways.map((url) =>
          eventually(
            () => statusOf(url, 'stage'),
            (status) => status === 200,
            SEEN_MS_MAX,
          ),
        ),
      );
      const watching = gateways.flatMap((url) => [openWebSocket, openSse].map((open) => open(url, 'stage', null)));
      await Promise.all(watching.map(welcomed));

      let isSending = true;
      const sent: Answer[] = [];
      const sending = (async () => {
        while (isSending) {
          const gift = { viewerId: 'fan', gift: 'rose' };
          sent.push(await definite(apis, '/v1/rooms/stage/gifts', `streak ${sent.length}`, gift));
        }
      })();
      const mover: RoomFrame[] = [];
      let connection: RoomConnection | null = null;
      let from: string | null = watching[0]!.frames[0]!.frameId!;
      for (let move = 0; move <= moves; move++) {
        const before = framesOf(mover).length;
        const open = move % 4 < 2 ? openWebSocket : openSse;
        // What still comes over a connection that it has left, it does not see.
        let isHere = true;
        connection = open(gateways[move % 2]!, 'stage', from, (frame) => {
          if (isHere) mover.push(frame);
        });
        await eventually(
          async () => framesOf(mover).length,
          (gifts) => gifts >= before + seenBetween,
          SEEN_MS_MAX,
        );
        if (move === moves) break;
        isHere = false;
        connection.close();
        from = framesOf(mover).at(-1)!.frameId!;
      }
      isSending = false;
      await sending;
      const isEnded = ({ type }: RoomFrame): boolean => type === 'streak-ended';
      const all = [...watching.map(({ frames }) => frames), mover];
      await eventually(async () => all.every((frames) => frames.some(isEnded)), Boolean, SEEN_MS_MAX);
      for (const { close } of [...watching, connection!]) close();

      const expected = sent.map(({ body }) => ({
        giftId: body['giftId'],
        streak: body['streak'],
        position: body['position'],
      }));
      expect(new Set(expected.map(({ streak }) => (streak as { id: string }).id)).size).toBe(1);
      const { frames: witnessed } = watching[0]!;
      expect(framesOf(witnessed).map(({ giftId, streak, position }) => ({ giftId, streak, position }))).toEqual(
        expected,
      );
      for (const frames of all) {
        expect(framesOf(frames)).toEqual(framesOf(witnessed));
        expect(frames.filter(isEnded)).toEqual([
          {
            type: 'streak-ended',
            streak: { id: (expected[0]!.streak as { id: string }).id, count: sent.length, coins: sent.length },
            viewerId: 'fan',
            gift: 'rose',
          },
        ]);
      }
      const resumes = mover.filter(({ type }) => type === 'recovered');
      expect(resumes).toEqual(Array.from({ length: moves + 1 }, () => ({ type: 'recovered', complete: true })));
    });
  });

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
      ...(await metrics('publisher', 'publisher_fenced')),
    ];
    const before = [await workedTwice(), await metrics('publisher', 'publisher_messages')] as const;
    await crowd.send(300);
    expect(await readModelDifferences(cluster)).toEqual([]);
    expect(await workedTwice()).toEqual(before[0]);
    const published = await eventually(
      () => metrics('publisher', 'publisher_messages'),
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
    const holder = (await metrics('settlement', 'settlement_parts_held')).indexOf(1);
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

async function statusOf(gateway: string, roomId: string): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(`${gateway}/v1/rooms/${roomId}/events`, { signal: stop.signal });
  stop.abort();
  return status;
}
