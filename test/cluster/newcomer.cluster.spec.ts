/** The cluster profile as a newcomer meets it: every app a real process, a real Redis and Kafka, one door in front. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, eventually, type Answer } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { repositoryRoot } from '../support/engine.js';
import { livegift } from '../support/livegift-cli.js';
import { openSse, openWebSocket, type RoomConnection } from '../support/room-clients.js';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;
const IMPORTED_LINES = 300;
const SHUTDOWN_OK = 0;
const price = { amountMinor: 499, currency: 'USD' };

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(180_000);

describeWithServers(['redis', 'kafka'], 'a newcomer to the cluster', () => {
  let cluster: Cluster;
  let api: ApiClient;

  beforeAll(async () => {
    cluster = await Cluster.start({ counts: { 'gift-api': 2, 'room-gateway': 2 } });
    api = new ApiClient(cluster.url);
  }, STARTED_MS_MAX);

  afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

  const gift = (key: string, body: Record<string, unknown>): Promise<Answer> =>
    api.keyed('/v1/rooms/studio/gifts', key, body);
  const giftsOf = ({ frames }: RoomConnection): readonly (string | undefined)[] =>
    frames.filter(({ type }) => type === 'gift').map(({ giftId }) => giftId);
  const welcomed = (connection: RoomConnection): Promise<unknown> =>
    eventually(
      async () => connection.frames[0]?.type,
      (type) => type === 'welcome',
      60_000,
    );

  it('buys, gifts, and sees it live over WebSocket and SSE, on boards, receipts and balances', async () => {
    expect(await api.post('/v1/wallets', { viewerId: 'ann', region: 'FR', ageAssured: true })).toMatchObject({
      status: 201,
    });
    const bought = { coins: 1_000, price, provider: 'shop', paymentId: 'pay-1' };
    expect(await api.keyed('/v1/wallets/ann/purchases', 'buy-1', bought)).toMatchObject({
      status: 201,
      body: { balance: 1_000 },
    });
    const room = { roomId: 'studio', creatorId: 'cleo', title: 'Painting' };
    expect(await api.post('/v1/rooms', room)).toMatchObject({ status: 201, body: { state: 'open' } });

    const watching = [openWebSocket, openSse].flatMap((open) => [1, 2].map(() => open(cluster.url, 'studio', null)));
    await Promise.all(watching.map(welcomed));

    const sent: Answer[] = [];
    for (const key of ['g-1', 'g-2', 'g-3']) {
      sent.push(await gift(key, { viewerId: 'ann', gift: 'rose', quantity: 2, sender: { name: 'Ann' } }));
    }
    expect(sent.map(({ status, body }) => [status, body['balance']])).toEqual([
      [201, 998],
      [201, 996],
      [201, 994],
    ]);
    const ids = sent.map(({ body }) => body['giftId'] as string);
    for (const connection of watching) {
      expect(
        await eventually(
          async () => giftsOf(connection),
          (gifts) => gifts.length >= 3,
          60_000,
        ),
      ).toEqual(ids);
    }
    const frameIds = watching.map(({ frames }) =>
      frames.filter(({ type }) => type === 'gift').map(({ frameId }) => frameId),
    );
    for (const ofOne of frameIds) expect(ofOne).toEqual(frameIds[0]);
    for (const connection of watching) connection.close();

    const position = String(sent.at(-1)!.body['position']);
    const creator = await api.get(`/v1/creators/cleo?after=${position}`);
    expect(creator).toMatchObject({ status: 200, body: { diamonds: 300, giftCount: 3, coinsReceived: 6 } });
    expect((await api.get(`/v1/wallets/ann?after=${position}`)).body).toMatchObject({ coins: 994, spentCoins: 6 });
    const board = await api.board(`rooms/studio/gifters?after=${position}`);
    expect(board).toMatchObject({ total: 1, entries: [{ rank: 1, id: 'ann', name: 'Ann', score: 6 }] });
    const receipt = await eventually(
      () => api.get(`/v1/gifts/${ids[0]!}`),
      ({ body }) => body['creditedAt'] !== null,
      60_000,
    );
    expect(receipt).toMatchObject({
      status: 200,
      body: { giftId: ids[0], coins: 2, diamonds: 100, platformDiamonds: 100, streak: { count: 2 } },
    });
    const credited = await eventually(
      () => api.get('/v1/creators/cleo'),
      ({ body }) => body['creditedDiamonds'] === 300,
      60_000,
    );
    expect(credited.body).toMatchObject({ diamonds: 300, creditedDiamonds: 300 });
  });

  it('honours a key on whichever gift-api it comes to', async () => {
    const body = { viewerId: 'ann', gift: 'rose', quantity: 1 };
    const first = await gift('twice', body);
    for (let turn = 0; turn < 4; turn++) {
      const again = await gift('twice', body);
      expect({ status: again.status, body: again.body }).toEqual({ status: 201, body: first.body });
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
  });

  it('resumes at the other gateway with the same frame ids', async () => {
    const before = openWebSocket(cluster.url, 'studio', null);
    await welcomed(before);
    const from = before.frames[0]!.frameId!;
    before.close();
    const missed = [await gift('missed-1', { viewerId: 'ann', gift: 'rose' })];
    missed.push(await gift('missed-2', { viewerId: 'ann', gift: 'rose' }));
    for (const open of [openWebSocket, openWebSocket, openSse, openSse]) {
      const after = open(cluster.url, 'studio', from);
      const gifts = await eventually(
        async () => giftsOf(after),
        (found) => found.length >= 2,
        60_000,
      );
      after.close();
      expect(gifts).toEqual(missed.map(({ body }) => body['giftId']));
      expect(after.frames).toContainEqual({ type: 'recovered', complete: true });
    }
  });

  it('answers problems alike from the API and from a gateway', async () => {
    const refusals = [
      { path: '/v1/nowhere', status: 404, code: 'not-found' },
      { path: '/v1/rooms/studio/live', status: 426, code: 'upgrade-required' },
    ];
    for (const { path, status, code } of refusals) {
      const answer = await api.get(path);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer).toMatchObject({ status, body: { code } });
    }
    expect(await api.get('/v1/rooms/nobody/events')).toMatchObject({ status: 404, body: { code: 'room-not-found' } });
    const wrong = await api.post('/v1/rooms/studio/events', {});
    expect(wrong).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
    expect(wrong.headers.get('allow')).toBe('GET, HEAD');
    const origin = { origin: 'http://localhost:5173' };
    for (const path of ['/v1/catalogue/gifts', '/v1/rooms/nobody/events']) {
      expect((await api.get(path, origin)).headers.get('access-control-allow-origin')).toBe(origin.origin);
    }
  });

  it('imports history through the door, once', async () => {
    const file = join(cluster.directory, 'history.csv');
    const lines = Array.from({ length: IMPORTED_LINES }, (_, index) => {
      const at = new Date(Date.UTC(2020, 0, 1, 0, 0, index)).toISOString();
      return `${at},old-room,old-creator,viewer-${index % 7},${1 + (index % 5)}`;
    });
    writeFileSync(file, `${['at,room_id,creator_id,viewer_id,coins', ...lines].join('\n')}\n`);
    const coins = lines.reduce((sum, line) => sum + Number(line.split(',').at(-1)), 0);
    const imported = await livegift('import', file, '--api', cluster.url);
    expect(JSON.parse(imported.stdout)).toMatchObject({ rows: IMPORTED_LINES, accepted: IMPORTED_LINES, replayed: 0 });
    const { position } = JSON.parse(imported.stdout) as { position: string };
    const creator = await api.get(`/v1/creators/old-creator?after=${position}`);
    expect(creator.body).toMatchObject({ giftCount: IMPORTED_LINES, coinsReceived: coins });
    const again = await livegift('import', file, '--api', cluster.url);
    expect(JSON.parse(again.stdout)).toMatchObject({ accepted: 0, replayed: IMPORTED_LINES });
  });

  it('shows the health and the metrics of every process', async () => {
    for (const { url } of cluster.apps) {
      expect(await (await fetch(`${url}/health/live`)).json()).toMatchObject({ status: 'live' });
      expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'ready' });
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^process_cpu/m);
    }
  });

  it('refuses another offset than the deployment was begun with', async () => {
    for (const app of ['gift-api', 'projector'] as const) {
      const other = await cluster.addApp(app, `${app}-astray`, { BOARD_UTC_OFFSET: '+02:00' });
      await expect(other.ready(60_000)).rejects.toThrow(/ended with 1[^]*BOARD_UTC_OFFSET is not the one/);
    }
  });

  it('drains every process on SIGTERM', async () => {
    const running = cluster.apps.filter(({ isRunning }) => isRunning);
    expect(running).toHaveLength(7);
    const codes = await Promise.all(running.map(async (app) => [app.name, await app.stop()]));
    expect(codes).toEqual(running.map(({ name }) => [name, SHUTDOWN_OK]));
    expect(await api.get('/v1/wallets/ann')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });
});

describe('a wrong configuration', () => {
  const given = {
    PROFILE: 'cluster',
    PORT: '0',
    EVENTSTORE_URL: 'esdb://me:hidden-1@127.0.0.1:1?tls=false',
    REDIS_URL: 'redis://:hidden-2@127.0.0.1:1',
    KAFKA_BROKERS: '127.0.0.1:1',
  };

  it.each([
    ['gift-api', { EVENTSTORE_URL: '' }, 'EVENTSTORE_URL is required'],
    ['settlement', { EVENTSTORE_URL: 'http://me:hidden-1@store' }, 'EVENTSTORE_URL must be esdb://'],
    ['projector', { REDIS_URL: ':hidden-2@cache' }, 'REDIS_URL must be redis://'],
    ['publisher', { KAFKA_BROKERS: 'broker' }, 'KAFKA_BROKERS must be host:port'],
    ['room-gateway', { PROFILE: 'embedded' }, 'PROFILE must be cluster'],
  ])('keeps %s from starting with %j, by check-config too', async (app, wrong, said) => {
    const env = { ...given, ...wrong };
    const started = await run(['apps', app, 'dist/main.js'], [], env);
    const refusal = await run(['libs/config/dist/main.js'], [app], env);
    expect(refusal).toEqual({ exitCode: 1, words: expect.stringMatching(/^.*\n$/) });
    expect(refusal.words.startsWith(said)).toBe(true);
    expect(refusal.words).not.toContain('hidden');
    expect(started).toEqual({ exitCode: 1, words: `livegift: configuration: ${refusal.words}` });
    const checked = await run(['libs/config/dist/main.js'], [app], given);
    expect(checked.exitCode).toBe(0);
    expect(checked.words).not.toContain('hidden');
    expect(checked.words).toContain('REDIS_URL=redis://***@127.0.0.1:1\n');
  });

  it('is PROFILE=cluster for npm start, which says what to run instead', async () => {
    const { exitCode, words } = await run(['apps/standalone/dist/main.js'], [], given);
    expect(exitCode).toBe(1);
    expect(words).toMatch(/^livegift: with PROFILE=cluster .*`npm run cluster`.*\n$/);
  });
});

function run(
  program: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly exitCode: number | null; readonly words: string }> {
  const child = spawn(process.execPath, [join(repositoryRoot(), ...program), ...args], {
    env: { ...process.env, ...env },
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (words += text.toString()));
  return new Promise((done) => child.once('close', (exitCode) => done({ exitCode, words })));
}
