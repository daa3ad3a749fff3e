/** Rooms that history opened: never live, closed from their first event, as long as their gifts. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('a room that history opened', () => {
  let engine: Engine;
  let api: ApiClient;
  let lines = 0;

  beforeAll(async () => {
    engine = await startEngine();
    api = new ApiClient(engine.url);
    await importAt('2016-07-03T12:00:00Z', '2016-07-03T12:05:00.500Z', '2016-07-03T12:05:00.250Z');
  });
  afterAll(() => engine.dispose());

  async function importAt(...times: readonly string[]): Promise<string> {
    const body = times.map((at) => ({
      importId: `i-${++lines}`,
      at,
      roomId: 'old',
      creatorId: 'c',
      viewerId: 'v',
      coins: 5,
    }));
    const answer = await api.lines<{ status: string; position: string }>('/v1/history/import', body);
    expect(answer.body.map(({ status }) => status)).toEqual(times.map(() => 'accepted'));
    return answer.body.at(-1)!.position;
  }
  /** Without the position, which other events move on. */
  const room = async (after: string): Promise<object> => {
    const { position: _, ...room } = (await api.get(`/v1/rooms/old?after=${after}`)).body;
    return room;
  };

  it('is closed and reaches from its earliest gift to its latest, also by lines that come later', async () => {
    const before = await importAt('2016-07-03T11:00:00.000Z');
    expect(await room(before)).toMatchObject({
      state: 'closed',
      openedAt: '2016-07-03T11:00:00.000Z',
      closedAt: '2016-07-03T12:05:00.500Z',
      giftCount: 4,
      coins: 20,
    });
    const after = await importAt('2016-07-04T00:00:00Z');
    const now = await room(after);
    expect(now).toMatchObject({ openedAt: '2016-07-03T11:00:00.000Z', closedAt: '2016-07-04T00:00:00Z', giftCount: 5 });
    await engine.stop();
    await engine.up();
    expect(await room(after)).toEqual(now);
  });

  it('is listed among closed rooms, takes no live gift, and has no live feed', async () => {
    const listed = async (state: string): Promise<unknown> =>
      (await api.get<{ items: { roomId: string }[] }>(`/v1/rooms?state=${state}`)).body.items.map(
        ({ roomId }) => roomId,
      );
    expect([await listed('open'), await listed('closed')]).toEqual([[], ['old']]);
    await api.post('/v1/wallets', { viewerId: 'w', region: 'DE', ageAssured: true });
    const gift = await api.keyed('/v1/rooms/old/gifts', 'k', { viewerId: 'w', gift: 'rose' });
    expect(gift).toMatchObject({ status: 409, body: { code: 'room-closed' } });
    expect((await fetch(`${engine.url}/v1/rooms/old/events`)).status).toBe(204);
    const socket = new WebSocket(`${engine.url.replace('http', 'ws')}/v1/rooms/old/live`);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect(await Promise.race([closed, pause(30_000, 'still open', { ref: false })])).toBe(4510);
  });
});
