/** Nobody may earn a sum that a number cannot hold: gifts and lines of history are refused long before. */
import type { CommandContext } from '@livegift/command-handling';
import type { HistoryLine } from '@livegift/contracts';
import { creatorDecider, creatorStream, type CreditGift } from '@livegift/domain';
import {
  CREATOR_LIMIT_DIAMONDS,
  silentTelemetry,
  type Cancellable,
  type GiftId,
  type NewEvent,
  type Position,
} from '@livegift/kernel';
import { InMemoryEventStore, stateAfter } from '@livegift/testing';
import { createGiftApplication, type GiftApplication } from '../gift-application.js';
import { CreatorEarnings } from './creator-earnings.js';

const LARGEST_DIAMONDS = 1e9 * 50;
const BOUNDS = { referenceStalenessMs: 1_000, referencesCachedMax: 10 };
const positionOf = (number: number): Position => String(number).padStart(16, '0') as Position;

let store: InMemoryEventStore;
let nowMs: number;
let ids: number;
const clock = { now: () => nowMs, elapsedMs: () => nowMs };

beforeEach(() => {
  store = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
  nowMs = Date.UTC(2026, 2, 1, 12);
  ids = 0;
});

/** What settlement writes when the creator has earned so much, up to the gift at `through`. */
async function credit(creatorId: string, balance: number, through: Position): Promise<void> {
  const data = { creatorId, giftId: 'x.1', giftPosition: through, roomId: 'r', coins: 1, diamonds: 50, balance };
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
  const event: NewEvent = {
    id: `credit-${ids++}`,
    type: 'DiamondsCredited',
    schemaVersion: 1,
    data: { ...data, occurredAt: '2026-03-01T12:00:00.000Z' },
    metadata,
  };
  const last = await store.readStream(creatorStream(creatorId), { direction: 'backwards', limit: 1 });
  await store.append(creatorStream(creatorId), [event], last[0]?.revision ?? 'no-stream');
}

describe('what a creator has earned', () => {
  it('is what was credited and what was sent here since, each counted once', async () => {
    const earnings = new CreatorEarnings(store, clock, BOUNDS);
    expect(await earnings.get('cleo')).toBe(0);
    for (let n = 1; n <= 500; n++) earnings.sent('cleo', n, positionOf(n));
    expect(earnings.cached('cleo')).toBe(125_250);
    await credit('cleo', 125_250, positionOf(500));
    nowMs += 1_001;
    expect(earnings.cached('cleo')).toBeUndefined();
    expect(await earnings.get('cleo')).toBe(125_250);
  });

  it('is never less than the truth while settlement is behind, and not much more', async () => {
    const earnings = new CreatorEarnings(store, clock, BOUNDS);
    for (let n = 1; n <= 1_000; n++) earnings.sent('cleo', 10, positionOf(n));
    await credit('cleo', 9_000, positionOf(900));
    const known = await earnings.get('cleo');
    expect(known).toBeGreaterThanOrEqual(10_000);
    expect(known).toBeLessThan(12_000);
  });
});

describe('a creator who has earned as much as can be counted', () => {
  let application: GiftApplication;
  const context = (): CommandContext => ({ idempotencyKey: `key-${ids++}`, correlationId: 'c' });
  const line = (importId: string, change: Partial<HistoryLine> = {}): { line: number; body: HistoryLine } => ({
    line: 1,
    body: {
      importId,
      at: '2016-07-03T16:44:36Z',
      roomId: 'r1',
      creatorId: 'cleo',
      viewerId: 'ann',
      coins: 1e9,
      ...change,
    },
  });

  beforeEach(async () => {
    application = createGiftApplication({
      store,
      clock,
      scheduler: { after: (): Cancellable => ({ cancel: () => {} }) },
      ids: { uuid: () => `id-${ids++}` },
      telemetry: silentTelemetry,
    });
    await application.start();
    await application.wallets.open({ viewerId: 'ann', region: 'DE', ageAssured: true }, context());
    await application.rooms.open({ roomId: 'r1', creatorId: 'cleo' }, context());
    const price = { amountMinor: 1, currency: 'EUR' };
    const purchase = { coins: 1e9, price, provider: 'shop', paymentId: 'p' };
    await application.purchases.purchase('ann', purchase, context());
  });
  afterEach(() => application.finisher.stop());

  const gift = async (): Promise<unknown> => {
    const body = { viewerId: 'ann', gift: 'cheer', quantity: 1 };
    const outcome = await application.gifts.send('r1', body, context());
    return 'refused' in outcome ? outcome.refused : 'accepted';
  };

  it('gets no gift and no line of history, singly or in bulk', async () => {
    await credit('cleo', CREATOR_LIMIT_DIAMONDS, positionOf(1));
    expect(await gift()).toBe('creator-limit');
    const bulk = { idempotencyKey: 'k', roomId: 'r1', viewerId: 'ann', gift: 'cheer' };
    expect(await application.bulkGifts.send([{ line: 1, body: bulk }], 'c')).toEqual([
      { line: 1, status: 'refused', code: 'creator-limit' },
    ]);
    const refused = { line: 1, status: 'refused', code: 'creator-limit' };
    expect(await application.history.import([line('i-1')], 'c')).toEqual([refused]);
    expect(await application.history.import([line('i-2', { roomId: 'new' })], 'c')).toEqual([refused]);
    expect(await store.readStream('room-new', { limit: 1 })).toEqual([]);
  });

  it('is one below it until the very gift that reaches it, also before settlement has credited it', async () => {
    await credit('cleo', CREATOR_LIMIT_DIAMONDS - 2 * LARGEST_DIAMONDS, positionOf(1));
    const lines = ['i-1', 'i-2', 'i-3'].map((importId, index) => ({ ...line(importId), line: index + 1 }));
    const answers = await application.history.import(lines, 'c');
    expect(answers.map(({ status, code }) => code ?? status)).toEqual(['accepted', 'accepted', 'creator-limit']);
    expect(await gift()).toBe('creator-limit');
    // What has counted before is known for ever.
    expect(await application.history.import([line('i-1')], 'c')).toMatchObject([{ status: 'replayed' }]);
    const other = line('i-1', { coins: 1 });
    expect(await application.history.import([other], 'c')).toMatchObject([{ code: 'import-id-reused' }]);
  });

  it('takes the last gift that fits, exactly', async () => {
    await credit('cleo', CREATOR_LIMIT_DIAMONDS - 1, positionOf(1));
    expect(await gift()).toBe('accepted');
    expect(await gift()).toBe('creator-limit');
  });

  it('can be credited for everything that was accepted, and never with a sum that is not exact', () => {
    const command: CreditGift = {
      type: 'CreditGift',
      creatorId: 'cleo',
      giftId: 'ann.1' as GiftId,
      giftPosition: positionOf(9),
      roomId: 'r1',
      coins: 1e9,
      diamonds: LARGEST_DIAMONDS,
      occurredAt: '2026-03-01T12:00:00.000Z',
    };
    const state = { ...stateAfter(creatorDecider, []), balance: CREATOR_LIMIT_DIAMONDS + 40_000 * LARGEST_DIAMONDS };
    expect(creatorDecider.decide(command, state)).toMatchObject([{ type: 'DiamondsCredited' }]);
    const full = { ...state, balance: Number.MAX_SAFE_INTEGER - LARGEST_DIAMONDS + 1 };
    expect(() => creatorDecider.decide(command, full)).toThrow(RangeError);
  });
});
