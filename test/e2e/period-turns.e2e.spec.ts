/** A streamed board over the end of an hour, in this process so that the test can choose when the hour ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@livegift/config';
import { createTelemetry } from '@livegift/observability';
import { startStandalone, type Standalone } from '@livegift/standalone/standalone';
import { ApiClient, eventually, type Board } from '../support/api-client.js';

const HOUR_MS = 3_600_000;
const BEFORE_TURN_MS = 1_200;

let aheadMs = 0;
const clock = { now: () => Date.now() + aheadMs, elapsedMs: () => performance.now() };
const dataDir = mkdtempSync(join(tmpdir(), 'livegift-turn-'));
let engine: Standalone;
let api: ApiClient;

beforeAll(async () => {
  const environment = readEnvironment({ DATA_DIR: dataDir, PORT: '0' });
  engine = await startStandalone({ environment, telemetry: createTelemetry({ level: 'silent', app: 'spec' }), clock });
  api = new ApiClient(engine.url);
  await engine.ready();
  await api.post('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
  await api.keyed('/v1/wallets/ann/purchases', 'p', {
    coins: 10_000,
    price: { amountMinor: 999, currency: 'EUR' },
    provider: 'shop',
    paymentId: 'pay-1',
  });
  await api.post('/v1/rooms', { roomId: 'show', creatorId: 'cleo' });
}, 60_000);
afterAll(async () => {
  await engine.close();
  rmSync(dataDir, { recursive: true, force: true });
});

it('ends each period with its final state, and begins the next one after it, with gifts coming all the time', async () => {
  const boards: Board[] = [];
  const response = await fetch(`${engine.url}/v1/leaderboards/gifters?window=hour`, {
    headers: { accept: 'text/event-stream' },
  });
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const data = /^data: ?(.*)$/m.exec(text.slice(0, end))?.[1];
        if (data !== undefined && data !== '') boards.push(JSON.parse(data) as Board);
        text = text.slice(end + 2);
      }
    }
  })().catch(() => {});
  for (let turn = 0; turn < 3; turn++) {
    const endMs = (Math.floor(clock.now() / HOUR_MS) + 1) * HOUR_MS;
    aheadMs += endMs - BEFORE_TURN_MS - clock.now();
    for (let sent = 0; clock.now() < endMs + 300; sent++) {
      const gift = { viewerId: 'ann', gift: 'rose' };
      expect((await api.keyed('/v1/rooms/show/gifts', `${turn}-${sent}`, gift)).status).toBe(201);
    }
    const endsAt = new Date(endMs).toISOString().replace('.000Z', 'Z');
    await eventually(
      async () => boards.at(-1)?.window,
      (window) => window?.startsAt === endsAt,
    );
    const last = boards.findLast(({ window }) => window.endsAt === endsAt)!;
    const final = await api.board(`gifters?window=hour&at=${new Date(endMs - 1).toISOString()}`);
    expect(last.entries).toEqual(final.entries);
    expect(last.total).toBe(1);
    const starts = boards.map(({ window }) => window.startsAt!);
    expect(starts).toEqual(starts.toSorted());
  }
  await engine.close();
  await reading;
}, 60_000);
