/** An engine whose wall clock is set while it runs, in this process so that the test can set it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@livegift/config';
import { createTelemetry } from '@livegift/observability';
import { startStandalone, type Standalone } from '@livegift/standalone/standalone';
import { ApiClient, eventually } from '../support/api-client.js';
import { openSse, openWebSocket } from '../support/room-clients.js';

const HOUR_MS = 3_600_000;
/** Less than the default of CLOCK_SKEW_MS_MAX, and more than anything here may take. */
const STEP_MS = 9_000;
const PROMPT_MS = 4_000;

let aheadMs = 0;
const clock = { now: () => Date.now() + aheadMs, elapsedMs: () => performance.now() };
let dataDir: string;
let engine: Standalone;
let api: ApiClient;
let keys = 0;

async function start(): Promise<void> {
  const environment = readEnvironment({ DATA_DIR: dataDir, PORT: '0' });
  engine = await startStandalone({ environment, telemetry: createTelemetry({ level: 'silent', app: 'spec' }), clock });
  api = new ApiClient(engine.url);
}
const send = (room = 'show', key = `key-${keys++}`) =>
  api.keyed(`/v1/rooms/${room}/gifts`, key, { viewerId: 'ann', gift: 'rose' });
const readiness = async () =>
  (await api.get<{ parts: { name: string; ready: boolean; reason?: string }[] }>('/health/ready')).body.parts;

beforeEach(async () => {
  aheadMs = 0;
  dataDir = mkdtempSync(join(tmpdir(), 'livegift-clock-'));
  await start();
  await engine.ready();
  await api.post('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
  await api.keyed('/v1/wallets/ann/purchases', 'p', {
    coins: 1_000,
    price: { amountMinor: 999, currency: 'EUR' },
    provider: 'shop',
    paymentId: 'pay-1',
  });
  await api.post('/v1/rooms', { roomId: 'show', creatorId: 'cleo' });
});
afterEach(async () => {
  await engine.close();
  rmSync(dataDir, { recursive: true, force: true });
});

it.each([-STEP_MS, STEP_MS])(
  'goes on showing rooms and boards at once when its clock is set by %s ms, and records nothing before what is there',
  async (stepMs) => {
    const clients = [openWebSocket(engine.url, 'show', null), openSse(engine.url, 'show', null)];
    const board = await fetch(`${engine.url}/v1/leaderboards/gifters`, { headers: { accept: 'text/event-stream' } });
    let boards = '';
    const reading = (async () => {
      for await (const chunk of board.body!) boards += Buffer.from(chunk).toString();
    })().catch(() => {});
    expect((await send()).status).toBe(201);
    await eventually(
      async () => boards,
      (text) => text.includes('"score":1,'),
      PROMPT_MS,
    );
    aheadMs = stepMs;
    for (let score = 2; score <= 3; score++) {
      expect((await send()).status).toBe(201);
      for (const { frames } of clients) {
        await eventually(
          async () => frames.filter(({ type }) => type === 'gift'),
          (gifts) => gifts.length === score,
          PROMPT_MS,
        );
        await eventually(
          async () => JSON.stringify(frames.findLast(({ type }) => type === 'leaderboard') ?? null),
          (text) => text.includes(`"score":${score},`),
          PROMPT_MS,
        );
      }
      await eventually(
        async () => boards,
        (text) => text.includes(`"score":${score},`),
        PROMPT_MS,
      );
    }
    for (const client of clients) client.close();
    await engine.close();
    await reading;
    await start();
    const gifts = await api.events({ types: 'GiftSent' });
    const recorded = gifts.map(({ recordedAt }) => recordedAt);
    expect(recorded).toHaveLength(3);
    expect(recorded).toEqual(recorded.toSorted());
  },
  30_000,
);

it('refuses commands while its clock is an hour behind what it has recorded, says so, and goes on afterwards', async () => {
  expect((await send('show', 'first')).status).toBe(201);
  aheadMs = -HOUR_MS;
  for (const isStartedAgain of [false, true]) {
    if (isStartedAgain) {
      await engine.close();
      await start();
    }
    const refused = await send('show', 'second');
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await readiness()).toContainEqual({
      name: 'clock',
      ready: false,
      reason: expect.stringMatching(
        /^the clock of this process is 3\d{3}\.\d s behind (what it has recorded|the event store's newest event)$/,
      ),
    });
    const wallet = await eventually(
      () => api.get('/v1/wallets/ann'),
      ({ status }) => status === 200,
    );
    expect(wallet.body).toMatchObject({ coins: 999 });
    // What was accepted before is still answered.
    expect((await send('show', 'first')).headers.get('idempotency-replayed')).toBe('true');
  }
  aheadMs = 0;
  expect((await send('show', 'second')).status).toBe(201);
  expect((await readiness()).find(({ name }) => name === 'clock')).toEqual({ name: 'clock', ready: true });
}, 30_000);
