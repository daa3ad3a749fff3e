/** Boards and a creator's earnings are folded from gifts: they wait for no settlement, however late it comes. */
import { OriginPolicy } from '@livegift/process';
import { startGiftApi, type GiftApiServer } from '@livegift/gift-api/gift-api.server';
import type { Cancellable } from '@livegift/kernel';
import { createTelemetry } from '@livegift/observability';
import { Projector } from '@livegift/projector/projector';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { Settlement } from '@livegift/settlement/settlement';
import { InMemoryEventStore } from '@livegift/testing';
import { ApiClient, eventually } from '../support/api-client.js';
import { LogFold, WINDOWS } from '../support/log-fold.js';

const VIEWERS = ['ann', 'bea', 'cid', 'dan', 'eva'];
const ROOMS = { 'room-1': 'cleo', 'room-2': 'cora', 'room-3': 'carl' } as const;
const GIFTS = 60;

jest.setTimeout(60_000);

describe('while settlement is late', () => {
  const store = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
  const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
  const scheduler = {
    after: (ms: number, task: () => void): Cancellable => {
      const timer = setTimeout(task, ms);
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const ids = { uuid: () => crypto.randomUUID() };
  const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
  const outside = { store, clock, ids, scheduler, telemetry };
  let server: GiftApiServer;
  let projector: Projector;
  let api: ApiClient;
  let through: string;

  beforeAll(async () => {
    const readModel = createMemoryReadModel({ clock, scheduler });
    projector = new Projector({ ...outside, readModel });
    projector.start();
    server = await startGiftApi({
      parts: { ...outside, readModel, config: { boardUtcOffset: '+00:00', bulkLinesMax: 10_000 } },
      http: {
        origins: OriginPolicy.ofThisMachine(),
        bodyBytesMax: 65_536,
        bulkBodyBytesMax: 1_048_576,
        drainMsMax: 3_000,
      },
      host: '127.0.0.1',
      port: 0,
    });
    api = new ApiClient(server.url);
    for (const [roomId, creatorId] of Object.entries(ROOMS)) await api.post('/v1/rooms', { roomId, creatorId });
    for (const viewerId of VIEWERS) {
      await api.post('/v1/wallets', { viewerId, region: 'SE', ageAssured: true });
      const price = { amountMinor: 1, currency: 'SEK' };
      const purchase = { coins: 1_000, price, provider: 'shop', paymentId: viewerId };
      await api.keyed(`/v1/wallets/${viewerId}/purchases`, 'first', purchase);
    }
    const gifts = Array.from({ length: GIFTS }, (_, index) => ({
      idempotencyKey: `gift-${index}`,
      roomId: Object.keys(ROOMS)[(index * 2) % 3],
      viewerId: VIEWERS[(index * 3) % VIEWERS.length],
      gift: 'rose',
    }));
    const sent = await api.lines<{ status: string; position: string }>('/v1/gifts/bulk', gifts);
    expect(sent.body.every(({ status }) => status === 'accepted')).toBe(true);
    through = sent.body
      .map(({ position }) => position)
      .toSorted()
      .at(-1)!;
  });

  afterAll(async () => {
    await projector.stop();
    await server.close();
  });

  /** Every board and every creator's earnings, and how many neighbours on a board are tied. */
  async function everythingIsRight(): Promise<number> {
    const fold = new LogFold(await api.events());
    let ties = 0;
    const boards = ['gifters', 'creators', ...Object.keys(ROOMS).map((room) => `rooms/${room}/gifters`)];
    for (const board of boards) {
      for (const window of WINDOWS) {
        const { occurredAt: at } = fold.gifts.at(-1)!;
        const { entries, total } = await api.board(`${board}?window=${window}&at=${at}&limit=100&after=${through}`);
        const ranked = entries.map(({ rank, id, score, reachedAt }) => ({ rank, id, score, reachedAt }));
        expect({ board, window, total, entries: ranked }).toEqual({ board, window, ...fold.board(board, window, at) });
        ties += entries.filter(({ score }, index) => score === entries[index - 1]?.score).length;
      }
    }
    for (const creatorId of Object.values(ROOMS)) {
      const { diamonds, giftCount } = fold.creators.get(creatorId)!;
      const { body } = await api.get(`/v1/creators/${creatorId}?after=${through}`);
      expect(body).toMatchObject({ creatorId, diamonds, giftCount });
    }
    return ties;
  }

  const credits = async (): Promise<number> => (await api.events({ types: 'DiamondsCredited' })).length;

  it('boards, ties and earnings are complete without a single credit', async () => {
    expect(await everythingIsRight()).toBeGreaterThan(20);
    expect(await credits()).toBe(0);
  });

  it('they stay as they are while it comes in batches, stops, and comes again', async () => {
    const ties = await everythingIsRight();
    let settled = 0;
    while (settled < GIFTS) {
      const settlement = new Settlement({ ...outside, options: { batchEventsMax: 7 } });
      settlement.start();
      settled = await eventually(credits, (count) => count > settled, 30_000);
      await settlement.stop();
      expect(await everythingIsRight()).toBe(ties);
    }
    expect(await credits()).toBe(GIFTS);
  });
});
