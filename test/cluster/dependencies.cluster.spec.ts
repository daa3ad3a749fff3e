/** What the processes of the cluster do while a server that they need is away: at their start, and later. */
import { ApiClient, eventually, type Answer } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { ResumingListener } from '../support/room-clients.js';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;
const BACK_MS_MAX = 120_000;
const price = { amountMinor: 499, currency: 'USD' };
const viewer = { viewerId: 'ann', region: 'FR', ageAssured: true };

interface Health {
  readonly status: string;
  readonly parts: readonly { readonly name: string; readonly ready: boolean; readonly reason?: string }[];
}

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(STARTED_MS_MAX);

describeWithServers(['redis', 'kafka'], 'without a server', () => {
  let cluster: Cluster;
  let api: ApiClient;
  let keys = 0;
  const listeners: ResumingListener[] = [];

  beforeAll(async () => {
    cluster = await Cluster.startServers();
  }, STARTED_MS_MAX);

  afterAll(async () => {
    await cluster?.dispose();
    await Promise.all(listeners.map((listener) => listener.stop()));
  }, STARTED_MS_MAX);

  const healthOf = async (name: string): Promise<Health> =>
    (await (await fetch(`${cluster.app(name).url}/health/ready`)).json()) as Health;
  /** The process says that it lacks this part, and why. */
  const lacks = (name: string, part: string): Promise<Health> =>
    eventually(
      () => healthOf(name),
      ({ parts }) => parts.some((each) => each.name === part && !each.ready && each.reason !== undefined),
      BACK_MS_MAX,
    );
  const gift = (key = `gift-${++keys}`): Promise<Answer> =>
    api.keyed('/v1/rooms/studio/gifts', key, { viewerId: 'ann', gift: 'rose' });
  const spentCoins = async (after: unknown): Promise<unknown> => {
    const answer = await eventually(
      () => api.get(`/v1/creators/cleo?after=${String(after)}`),
      ({ status }) => status === 200,
      BACK_MS_MAX,
    );
    return answer.body['coinsReceived'];
  };

  it('each process starts, says what it waits for, and goes on when it is there', async () => {
    await Promise.all([cluster.eventStore.kill(), cluster.redis.kill(), cluster.kafka.kill()]);
    for (const app of ['gift-api', 'settlement', 'projector', 'publisher', 'room-gateway'] as const) {
      await cluster.addApp(app, app);
    }
    api = new ApiClient((await cluster.openDoor()).url);
    const alive = (name: string) => async (): Promise<boolean> => {
      try {
        return (await fetch(`${cluster.app(name).url}/health/live`)).ok;
      } catch {
        return false;
      }
    };
    for (const { name } of cluster.apps) await eventually(alive(name), (isAlive) => isAlive, BACK_MS_MAX);
    for (const name of ['gift-api', 'settlement', 'projector', 'publisher']) {
      await lacks(name, 'event-store');
    }
    await lacks('room-gateway', 'read-model');
    expect(await api.post('/v1/wallets', viewer)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect((await api.get('/v1/wallets/ann')).headers.get('retry-after')).toBe('1');

    await cluster.eventStore.start();
    await cluster.ready('gift-api');
    expect(await api.post('/v1/wallets', viewer)).toMatchObject({ status: 201 });
    await lacks('publisher', 'fan-out');
    await cluster.redis.start();
    await cluster.ready('projector');
    await lacks('room-gateway', 'fan-out');
    await cluster.kafka.start();
    await cluster.ready();

    const bought = { coins: 1_000, price, provider: 'shop', paymentId: 'pay-1' };
    expect(await api.keyed('/v1/wallets/ann/purchases', 'buy-1', bought)).toMatchObject({ status: 201 });
    expect(await api.post('/v1/rooms', { roomId: 'studio', creatorId: 'cleo' })).toMatchObject({ status: 201 });
    const { status, body } = await gift();
    expect(status).toBe(201);
    expect(await spentCoins(body['position'])).toBe(1);
  });

  it('commands go on while Redis is away, queries answer 503, and afterwards everything is counted', async () => {
    await cluster.redis.kill();
    const { status, body } = await gift();
    expect(status).toBe(201);
    const query = await eventually(
      () => api.get('/v1/leaderboards/rooms/studio/gifters'),
      (answer) => answer.status !== 200,
      BACK_MS_MAX,
    );
    expect(query).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(query.headers.get('retry-after')).toBe('1');
    const { status: readiness, parts } = await lacks('gift-api', 'read-model');
    expect(readiness).toBe('ready');
    expect(parts.find(({ name }) => name === 'read-model')).toMatchObject({
      ready: false,
      optional: true,
      reason: expect.any(String),
      server: new URL(cluster.redis.url).host,
      since: expect.any(String),
    });
    await cluster.redis.start();
    expect(await spentCoins(body['position'])).toBe(2);
    await cluster.ready();
  });

  it('commands and queries go on while Kafka is away, and rooms catch up afterwards', async () => {
    for (const over of ['websocket', 'sse'] as const) {
      listeners.push(new ResumingListener(cluster.url, 'studio', over));
    }
    await Promise.all(listeners.map((listener) => listener.start()));
    await cluster.kafka.kill();
    const sent = [await gift(), await gift(), await gift()];
    expect(sent.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await spentCoins(sent.at(-1)!.body['position'])).toBe(5);
    await cluster.kafka.start();
    const ids = sent.map(({ body }) => body['giftId'] as string);
    for (const listener of listeners) {
      const heard = await eventually(
        // What was sent before the listener came may still be on its way to the room.
        async () => listener.giftIds.filter((giftId) => ids.includes(giftId)),
        (found) => found.length >= ids.length,
        BACK_MS_MAX,
      );
      await listener.stop();
      expect(heard).toEqual(ids);
      expect(listener.complaints).toEqual([]);
    }
    await cluster.ready();
  });

  it('nothing is acknowledged while the event store is away, and the same key then acts once', async () => {
    await cluster.eventStore.kill();
    const key = 'while-away';
    expect(await gift(key)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    await lacks('gift-api', 'event-store');
    expect(await api.get('/v1/events?limit=1')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    // It is sent queries all the same.
    expect(await healthOf('gift-api')).toMatchObject({ status: 'ready' });
    expect(await api.get('/v1/wallets/ann')).toMatchObject({ status: 200, body: { spentCoins: 5 } });
    await cluster.eventStore.start();
    const acted = await eventually(
      () => gift(key),
      ({ status }) => status !== 503,
      BACK_MS_MAX,
    );
    expect(acted).toMatchObject({ status: 201 });
    expect(await gift(key)).toMatchObject({ status: 201, body: acted.body });
    expect(await spentCoins(acted.body['position'])).toBe(6);
    await cluster.ready();
  });
});
