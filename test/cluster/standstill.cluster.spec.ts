/** What the processes of the cluster say while work stands still, with real servers: each must say so, and recover by itself. */
import { Kafka, logLevel } from 'kafkajs';
import { ApiClient, eventually } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;
const SEEN_MS_MAX = 120_000;
const STALL_MS = 3_000;
const CONSUMERS = {
  settlement: 'settlement',
  projector: 'projector',
  publisher: 'publisher',
  'room-gateway': 'room-feed',
};

interface Part {
  readonly name: string;
  readonly ready: boolean;
  readonly reason?: string;
  readonly server?: string;
  readonly since?: string;
  readonly condition?: string;
}

interface Health {
  readonly status: string;
  readonly parts: readonly Part[];
}

jest.setTimeout(STARTED_MS_MAX);

describeWithServers(['redis', 'kafka'], 'while work stands still', () => {
  let cluster: Cluster;
  let api: ApiClient;
  let keys = 0;

  beforeAll(async () => {
    cluster = await Cluster.start({ env: { CONSUMER_STALL_MS_MAX: String(STALL_MS), LOG_LEVEL: 'info' } });
    api = new ApiClient(cluster.url);
    expect(await api.post('/v1/wallets', { viewerId: 'ann', region: 'FR', ageAssured: true })).toMatchObject({
      status: 201,
    });
    const bought = { coins: 1_000, price: { amountMinor: 499, currency: 'USD' }, provider: 'shop', paymentId: 'pay-1' };
    expect(await api.keyed('/v1/wallets/ann/purchases', 'buy-1', bought)).toMatchObject({ status: 201 });
    expect(await api.post('/v1/rooms', { roomId: 'studio', creatorId: 'cleo' })).toMatchObject({ status: 201 });
    await gift();
    await allReady();
  }, STARTED_MS_MAX);

  afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

  const gift = (): Promise<unknown> =>
    api.keyed('/v1/rooms/studio/gifts', `gift-${++keys}`, { viewerId: 'ann', gift: 'rose' });
  const healthOf = async (name: string): Promise<Health> =>
    (await (await fetch(`${cluster.app(name).url}/health/ready`)).json()) as Health;
  const partOf = ({ parts }: Health, name: string): Part | undefined => parts.find((part) => part.name === name);
  const allReady = (): Promise<void> => cluster.ready(undefined, SEEN_MS_MAX);
  /** Its consumer is stalled, so the process is not ready, and the part of the server says what is wrong where. */
  const stalls = async (app: keyof typeof CONSUMERS, server?: string): Promise<Part> => {
    const consumer = CONSUMERS[app];
    const health = await eventually(
      () => healthOf(app),
      (seen) =>
        seen.status === 'not-ready' &&
        partOf(seen, consumer)?.condition === 'stalled' &&
        (server === undefined || partOf(seen, server)?.ready === false),
      SEEN_MS_MAX,
    );
    const part = partOf(health, consumer)!;
    expect(part.reason).toMatch(/^no progress for \d+ s/);
    expect(part.since).toMatch(/^\d{4}-.*Z$/);
    if (server !== undefined) {
      expect(partOf(health, server)).toMatchObject({
        server: expect.stringMatching(/:\d+/),
        reason: expect.any(String),
      });
    }
    return part;
  };
  const countsOf = async (app: string, name: string): Promise<number> => {
    const text = await (await fetch(`${cluster.app(app).url}/metrics`)).text();
    return Number(new RegExp(`^livegift_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  const linesOf = (app: string): readonly string[] => cluster.app(app).words.split('\n');

  it('the event store is dead: settlement, projector and publisher are not ready, and say which server', async () => {
    await cluster.eventStore.kill();
    for (const app of ['settlement', 'projector', 'publisher'] as const) await stalls(app, 'event-store');
    const { status, parts } = await healthOf('gift-api');
    expect(status).toBe('ready');
    expect(parts).toContainEqual(expect.objectContaining({ name: 'event-store', ready: false, optional: true }));
    for (const app of ['settlement', 'projector', 'publisher']) {
      expect(linesOf(app).some((line) => line.includes('event-store is not available'))).toBe(true);
    }
    await cluster.eventStore.start();
    await allReady();
    expect(await gift()).toMatchObject({ status: 201 });
  });

  it('Kafka hangs: publisher and gateway are not ready, and publish what was sent meanwhile', async () => {
    cluster.kafka.pause();
    try {
      expect(await gift()).toMatchObject({ status: 201 });
      for (const app of ['publisher', 'room-gateway'] as const) await stalls(app, 'fan-out');
      expect((await healthOf('projector')).status).toBe('ready');
    } finally {
      cluster.kafka.resume();
    }
    await allReady();
  });

  it('Redis is full: the projector is not ready, says why without a flood, and counts each event once', async () => {
    const before = await countsOf('projector', 'projector_events_total');
    const told = linesOf('projector').length;
    await cluster.redis.ask('CONFIG', 'SET', 'maxmemory', '1');
    const sent = 20;
    for (let number = 0; number < sent; number++) expect(await gift()).toMatchObject({ status: 201 });
    const { reason } = await stalls('projector');
    expect(reason).toMatch(/OOM|used memory/);
    const said = linesOf('projector').slice(told);
    expect(said.filter((line) => line.includes('up to date'))).toEqual([]);
    expect(said.length).toBeLessThan(40);
    await cluster.redis.ask('CONFIG', 'SET', 'maxmemory', '0');
    await allReady();
    await eventually(
      () => countsOf('projector', 'projector_events_total'),
      (events) => events >= before + sent,
      SEEN_MS_MAX,
    );
    // Settlement's credit of each gift is an event too; nothing else was sent.
    expect(await countsOf('projector', 'projector_events_total')).toBeLessThanOrEqual(before + 2 * sent);
  });

  it('read models are being rebuilt: gift-api stays ready for commands and says so', async () => {
    await cluster.redis.ask('FLUSHDB');
    const rebuilding = await eventually(
      () => healthOf('gift-api'),
      (seen) => partOf(seen, 'read-model')?.ready === false,
      SEEN_MS_MAX,
    );
    expect(rebuilding.status).toBe('ready');
    expect(partOf(rebuilding, 'read-model')!.reason).toMatch(/is being rebuilt: \d+ of 64 partitions answer queries/);
    await eventually(
      () => healthOf('gift-api'),
      (seen) => partOf(seen, 'read-model')?.ready === true,
      SEEN_MS_MAX,
    );
    await allReady();
  });

  it('topics are deleted: they are made again, and rooms go on', async () => {
    const kafka = new Kafka({ brokers: [cluster.kafka.brokers], clientId: 'operator', logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const topics = ['livegift.room-events.v1', 'livegift.publisher.checkpoints'];
    try {
      await admin.deleteTopics({ topics });
      await eventually(
        () => admin.listTopics(),
        (there) => topics.every((topic) => there.includes(topic)),
        SEEN_MS_MAX,
      );
      const { topics: made } = await admin.fetchTopicMetadata({ topics });
      expect(made.map(({ partitions }) => partitions.length)).toEqual([12, 12]);
      const offsetsOf = async (): Promise<number> => {
        const offsets = await admin.fetchTopicOffsets(topics[0]!);
        return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
      };
      expect(await gift()).toMatchObject({ status: 201 });
      await eventually(offsetsOf, (published) => published > 0, SEEN_MS_MAX);
      await allReady();
    } finally {
      await admin.disconnect();
    }
    const told = [...linesOf('publisher'), ...linesOf('room-gateway')];
    expect(told.some((line) => line.includes('Kafka topics were deleted; making them again'))).toBe(true);
  });
});
