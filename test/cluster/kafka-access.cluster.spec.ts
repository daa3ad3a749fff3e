/** A Kafka that asks who is there: over TLS, by each mechanism, and what becomes of those that it does not let in. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { FanOutError, sourcePartitionOf, type FanOut, type RoomMessage } from '@livegift/fanout';
import { openKafkaFanOut, type KafkaConnection, type KafkaLogin } from '@livegift/fanout-kafka';
import { instant, silentTelemetry, type Position, type Telemetry } from '@livegift/kernel';
import { systemClock, systemScheduler } from '@livegift/process';
import { ApiClient, eventually } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { ResumingListener } from '../support/room-clients.js';
import { startSecuredKafka, type SecuredKafka } from '../support/secured-kafka.js';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;
const HEARD_MS_MAX = 120_000;
const WRONG_PASSWORD = 'hidden-as-well';
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const STORE_ID = '6d1f7a52-6d3c-4c7e-9d52-0f2a2f0a8f11';
const PARTITIONS = 2;

jest.setTimeout(STARTED_MS_MAX);

describeWithServers(['redis', 'kafka'], 'a Kafka that asks who is there', () => {
  let secured: SecuredKafka;
  let topicNumber = 0;
  const cleanUps: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    secured = await startSecuredKafka();
  }, STARTED_MS_MAX);
  afterAll(() => secured?.stop(), STARTED_MS_MAX);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const loginBy = (mechanism: KafkaLogin['mechanism'], password = secured.password): KafkaLogin => ({
    mechanism,
    user: secured.user,
    password,
  });
  const open = (connection: Omit<KafkaConnection, 'clientId'>, telemetry = silentTelemetry): Promise<FanOut> => {
    const topic = `rooms-${++topicNumber}`;
    return openKafkaFanOut({
      ...connection,
      clientId: 'spec',
      clock: systemClock,
      scheduler: systemScheduler,
      telemetry,
      partitions: PARTITIONS,
      topic,
      checkpointTopic: `${topic}.checkpoints`,
    });
  };
  const failureOf = async (opening: Promise<unknown>): Promise<FanOutError> => {
    const failure: unknown = await opening.then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(FanOutError);
    return failure as FanOutError;
  };

  it.each(MECHANISMS)('lets in who proves to be its user by %s, to publish and to read', async (mechanism) => {
    const fanOut = await open({ brokers: [secured.saslBrokers], login: loginBy(mechanism) });
    cleanUps.push(() => fanOut.close());
    const publisher = await fanOut.openPublisher(sourcePartitionOf(MESSAGE.roomId, PARTITIONS));
    await publisher.publish([MESSAGE], MESSAGE);
    const subscription = await fanOut.subscribe({ backMs: 600_000 });
    const heard: RoomMessage[] = [];
    while (heard.length === 0) heard.push(...(await subscription.next())!.messages);
    expect(heard).toEqual([MESSAGE]);
  });

  it.each(MECHANISMS)('refuses a wrong password for good, and nobody hears of it: %s', async (mechanism) => {
    const said: unknown[] = [];
    const login = loginBy(mechanism, WRONG_PASSWORD);
    const failure = await failureOf(open({ brokers: [secured.saslBrokers], login }, hearing(said)));
    expect(failure.code).toBe('misconfigured');
    expect(failure.message).toMatch(/^Kafka does not let us in: look for the topics: SASL .* authentication failed: /);
    expect(said).not.toEqual([]);
    expect(inspect([failure, said], { depth: Infinity, showHidden: true })).not.toContain(WRONG_PASSWORD);
  });

  it('is waited for by who does not say who they are: it says nothing and hangs up', async () => {
    const { code, message } = await failureOf(open({ brokers: [secured.saslBrokers] }));
    expect([code, message]).toEqual(['unavailable', expect.stringContaining('Kafka: look for the topics: ')]);
  });

  it.each(MECHANISMS)('is waited for when it hangs up in the middle of a login: %s', async (mechanism) => {
    const door = await hangingUpAt(secured.saslBrokers, LOGIN_REQUEST);
    cleanUps.push(() => new Promise((closed) => door.close(closed)));
    const brokers = [`127.0.0.1:${(door.address() as AddressInfo).port}`];
    const { code, message } = await failureOf(open({ brokers, login: loginBy(mechanism) }));
    expect([code, message]).toEqual([
      'unavailable',
      expect.stringContaining('authentication failed: Closed connection'),
    ]);
  });

  describe('over TLS', () => {
    let cluster: Cluster;
    let api: ApiClient;

    beforeAll(async () => {
      cluster = await Cluster.start({
        kafka: secured.kafka,
        env: {
          KAFKA_BROKERS: secured.tlsBrokers,
          KAFKA_TLS: 'true',
          KAFKA_SASL_MECHANISM: 'scram-sha-512',
          KAFKA_SASL_USER: secured.user,
          KAFKA_SASL_PASSWORD: secured.password,
          NODE_EXTRA_CA_CERTS: secured.caFile,
        },
      });
      api = new ApiClient(cluster.url);
    }, STARTED_MS_MAX);
    afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

    it('carries a gift from the API to the room', async () => {
      await api.post('/v1/wallets', { viewerId: 'ann', region: 'FR', ageAssured: true });
      const price = { amountMinor: 499, currency: 'USD' };
      const bought = { coins: 100, price, provider: 'shop', paymentId: 'pay-1' };
      expect(await api.keyed('/v1/wallets/ann/purchases', 'buy-1', bought)).toMatchObject({ status: 201 });
      expect(await api.post('/v1/rooms', { roomId: 'studio', creatorId: 'cleo' })).toMatchObject({ status: 201 });
      const listener = new ResumingListener(cluster.url, 'studio', 'websocket');
      cleanUps.push(() => listener.stop());
      await listener.start();
      const { status, body } = await api.keyed('/v1/rooms/studio/gifts', 'gift-1', { viewerId: 'ann', gift: 'rose' });
      expect(status).toBe(201);
      const heard = await eventually(
        async () => listener.giftIds,
        (giftIds) => giftIds.length > 0,
        HEARD_MS_MAX,
      );
      expect(heard).toEqual([body['giftId']]);
      for (const app of ['publisher', 'room-gateway']) expect(cluster.app(app).words).not.toContain(secured.password);
    });

    it.each(['publisher', 'room-gateway'] as const)(
      'ends a %s with a wrong password, which it does not say',
      async (app) => {
        const stranger = await cluster.addApp(app, `strange-${app}`, {
          KAFKA_SASL_PASSWORD: WRONG_PASSWORD,
          LOG_LEVEL: 'debug',
        });
        await eventually(
          async () => stranger.isRunning,
          (isRunning) => !isRunning,
          HEARD_MS_MAX,
        );
        expect(stranger.words).toContain('livegift: Kafka does not let us in: look for the topics: SASL SCRAM SHA512');
        expect(stranger.words).not.toContain(WRONG_PASSWORD);
        expect(await stranger.stop()).toBe(1);
      },
    );

    it('has a publisher that does not know its certificate wait, and say so', async () => {
      const stranger = await cluster.addApp('publisher', 'distrustful', { NODE_EXTRA_CA_CERTS: '' });
      cleanUps.push(() => stranger.kill());
      const askReason = async (): Promise<string> => (await fetch(`${stranger.url}/health/ready`)).text();
      const reason = await eventually(
        () => askReason().catch(() => ''),
        (text) => text.includes('certificate'),
        HEARD_MS_MAX,
      );
      expect(reason).toContain('Kafka: look for the topics: Connection error: self-signed certificate');
      expect(stranger.isRunning).toBe(true);
    });
  });
});

const position = '1'.padStart(40, '0') as Position;
const MESSAGE: RoomMessage = {
  type: 'gift-sent',
  id: 'ann.1',
  roomId: 'studio',
  storeId: STORE_ID,
  position,
  occurredAt: instant(1_780_000_000_001),
  body: '{"type":"gift","giftId":"ann.1"}',
};

/** Everything that is logged and counted, kept. */
function hearing(said: unknown[]): Telemetry {
  const hear = (...words: unknown[]): void => void said.push(words);
  return { ...silentTelemetry, info: hear, warn: hear, error: hear, count: hear };
}

/** What a client asks: which versions there are, which mechanisms, and then to be let in. */
const LOGIN_REQUEST = 3;

/** Stands before a broker, and hangs up instead of handing on the request of this number on a connection. */
async function hangingUpAt(broker: string, requestNumber: number): Promise<Server> {
  const [host, port] = broker.split(':') as [string, string];
  const server = createServer((client: Socket) => {
    const behind = connect({ host, port: Number(port) });
    let requests = 0;
    // A client awaits each answer before it asks on, so that each piece is a request.
    client.on('data', (request) => {
      if (++requests < requestNumber) behind.write(request);
      else client.end();
    });
    behind.pipe(client);
    client.on('close', () => behind.destroy());
    for (const socket of [client, behind]) socket.on('error', () => {});
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}
