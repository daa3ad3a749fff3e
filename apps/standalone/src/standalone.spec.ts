import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@livegift/config';
import { createTelemetry } from '@livegift/observability';
import { startStandalone, type Standalone } from './standalone.js';

describe('the whole engine in one process', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'livegift-standalone-'));
  let standalone: Standalone | null = null;

  const start = async (more: Record<string, string> = {}): Promise<Standalone> => {
    const environment = readEnvironment({ PORT: '0', DATA_DIR: dataDir, ...more });
    standalone = await startStandalone({ environment, telemetry: createTelemetry({ level: 'silent', app: 'spec' }) });
    return standalone;
  };

  afterEach(async () => {
    await standalone?.close();
    standalone = null;
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  async function send<Body>(url: string, body?: object): Promise<Body> {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body && { 'content-type': 'application/json', 'idempotency-key': new URL(url).pathname },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  it('takes coins and gifts, credits diamonds, and has it all again after a restart', async () => {
    const first = await start();
    const { url } = first;
    await first.ready();
    await send(`${url}/v1/wallets`, { viewerId: 'ann', region: 'DE', ageAssured: true });
    await send(`${url}/v1/wallets/ann/purchases`, {
      coins: 100,
      price: { amountMinor: 99, currency: 'EUR' },
      provider: 'shop',
      paymentId: 'p-1',
    });
    await send(`${url}/v1/rooms`, { roomId: 'r1', creatorId: 'bela' });
    const gift = await send<{ giftId: string; position: string }>(`${url}/v1/rooms/r1/gifts`, {
      viewerId: 'ann',
      gift: 'rose',
      quantity: 3,
    });
    const creator = `/v1/creators/bela?after=${gift.position}`;
    expect(await send(url + creator)).toMatchObject({ diamonds: 150, giftCount: 1, coinsReceived: 3 });
    await standalone!.close();

    const again = await start();
    await again.ready();
    expect(await send(again.url + creator)).toMatchObject({ diamonds: 150, creditedDiamonds: 150 });
    expect(await send(`${again.url}/v1/wallets/ann`)).toMatchObject({ coins: 97, spentCoins: 3 });
    const receipt = await send<{ creditedAt: string | null }>(`${again.url}/v1/gifts/${gift.giftId}`);
    expect(receipt.creditedAt).not.toBeNull();
    const board = await send(`${again.url}/v1/leaderboards/rooms/r1/gifters`);
    expect(board).toMatchObject({ entries: [{ rank: 1, id: 'ann', score: 3 }], total: 1 });
  });

  it('tells a second process who holds the directory', async () => {
    await start();
    const environment = readEnvironment({ PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
    await expect(startStandalone({ environment })).rejects.toMatchObject({ code: 'held' });
  });

  it('writes nothing when it cannot listen, and takes the directory later', async () => {
    const { port } = await start();
    const other = mkdtempSync(join(tmpdir(), 'livegift-standalone-'));
    const environment = readEnvironment({ PORT: String(port), DATA_DIR: other, LOG_LEVEL: 'silent' });
    await expect(startStandalone({ environment })).rejects.toThrow('another process listens there');
    expect(readdirSync(other)).toEqual([]);
    await standalone!.close();
    const freed = readEnvironment({ PORT: '0', DATA_DIR: other, LOG_LEVEL: 'silent' });
    standalone = await startStandalone({ environment: freed });
    await standalone.close();
    rmSync(other, { recursive: true });
  });

  it('does not start with another offset than its boards were made with', async () => {
    await expect(start({ BOARD_UTC_OFFSET: '+02:00' })).rejects.toThrow(/BOARD_UTC_OFFSET/);
  });
});
