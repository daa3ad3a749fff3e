import { EventSource } from 'eventsource';
import { startEngine, type Engine } from '../support/engine.js';

const START_MS_MAX = 60_000;

jest.setTimeout(START_MS_MAX);

describe('a standard EventSource', () => {
  let engine: Engine;
  const sources: EventSource[] = [];

  beforeAll(async () => {
    engine = await startEngine();
  });

  afterAll(async () => {
    for (const source of sources) source.close();
    await engine.dispose();
  });

  async function send(path: string, body: object): Promise<void> {
    const response = await fetch(`${engine.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  const gift = (): Promise<void> => send('/v1/rooms/stage/gifts', { viewerId: 'ann', gift: 'rose' });
  const open = (path: string): EventSource => {
    const source = new EventSource(`${engine.url}${path}`);
    sources.push(source);
    return source;
  };
  /** Rejects when the source gives up. */
  const heard = (source: EventSource, event: string, wanted: (data: string) => boolean = () => true): Promise<string> =>
    new Promise((resolve, reject) => {
      source.addEventListener(event, ({ data }) => {
        if (wanted(data as string)) resolve(data as string);
      });
      source.addEventListener('error', () => {
        if (source.readyState === source.CLOSED) reject(new Error(`closed for good while it waited for ${event}`));
      });
    });

  it.each(['kill', 'stop'] as const)('goes on in its room and on its board after a restart: %s', async (how) => {
    await send('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
    const price = { amountMinor: 99, currency: 'EUR' };
    await send('/v1/wallets/ann/purchases', { coins: 100, price, provider: 'shop', paymentId: crypto.randomUUID() });
    await send('/v1/rooms', { roomId: 'stage', creatorId: 'bela' });
    const room = open('/v1/rooms/stage/events');
    const board = open('/v1/leaderboards/rooms/stage/gifters');
    const first = heard(room, 'gift');
    await Promise.all([heard(room, 'welcome'), heard(board, 'board')]);
    await gift();
    const { frameId } = JSON.parse(await first) as { frameId: string };
    const later = heard(room, 'gift', (data) => (JSON.parse(data) as { frameId: string }).frameId > frameId);
    const before = Number(/"coins":(\d+)/.exec(await (await fetch(`${engine.url}/v1/rooms/stage`)).text())![1]);
    const shown = heard(board, 'board', (data) => data.includes(`"score":${before + 1},`));
    await engine[how]();
    await engine.up();
    await gift();
    await Promise.all([later, shown]);
    room.close();
    board.close();
  });
});
