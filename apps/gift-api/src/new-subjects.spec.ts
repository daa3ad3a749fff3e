/** At its maximum the read model gets no new rooms, creators and viewers; everything else goes on. */
import type { CommandContext } from '@livegift/command-handling';
import type { HistoryLine } from '@livegift/contracts';
import { silentTelemetry, type Cancellable } from '@livegift/kernel';
import { InMemoryEventStore } from '@livegift/testing';
import { createGiftApplication, type GiftApplication } from './gift-application.js';
import { FullError } from './new-subjects.js';

describe('a full read model', () => {
  let application: GiftApplication;
  let held: number;
  let ids: number;
  let counted: string[];
  let warnings: number;
  let nowMs: number;

  const context = (): CommandContext => ({ idempotencyKey: `key-${ids++}`, correlationId: 'c' });
  const open = (viewerId: string): Promise<unknown> =>
    application.wallets.open({ viewerId, region: 'DE', ageAssured: true }, context());
  const history = (...of: Partial<HistoryLine>[]): Promise<object[]> =>
    application.history.import(
      of.map((change, index) => ({
        line: index + 1,
        body: {
          importId: `i-${ids++}`,
          at: '2016-07-03T16:44:36Z',
          roomId: 'r1',
          creatorId: 'cleo',
          viewerId: 'ann',
          coins: 5,
          ...change,
        },
      })),
      'c',
    );

  beforeEach(async () => {
    held = 0;
    ids = 0;
    counted = [];
    warnings = 0;
    nowMs = Date.UTC(2026, 2, 1, 12);
    application = createGiftApplication({
      store: new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001'),
      clock: { now: () => nowMs, elapsedMs: () => nowMs },
      scheduler: { after: (): Cancellable => ({ cancel: () => {} }) },
      ids: { uuid: () => `id-${ids++}` },
      telemetry: { ...silentTelemetry, count: (name) => counted.push(name), warn: () => (warnings += 1) },
      capacity: { held: () => held, max: 3 },
    });
    await application.start();
    await open('ann');
    await application.rooms.open({ roomId: 'r1', creatorId: 'cleo' }, context());
    held = 3;
  });
  afterEach(() => application.finisher.stop());

  it('refuses commands that would make a new wallet or room, and says why', async () => {
    await expect(open('bob')).rejects.toThrow(FullError);
    await expect(application.rooms.open({ roomId: 'r2', creatorId: 'cleo' }, context())).rejects.toThrow(
      /holds 3 rooms, creators and viewers.*READ_MODEL_SUBJECTS_MAX/,
    );
    expect(counted.filter((name) => name === 'new_subjects_refused_total')).toHaveLength(2);
    expect(warnings).toBe(1);
    nowMs += 60_000;
    await expect(open('bob')).rejects.toThrow(FullError);
    expect(warnings).toBe(2);
    held = 2;
    expect(await open('bob')).toMatchObject({ created: true });
  });

  it('serves what exists: the same wallet and room again, gifts, history', async () => {
    expect(await open('ann')).toMatchObject({ created: false });
    expect(await application.rooms.open({ roomId: 'r1', creatorId: 'cleo' }, context())).toMatchObject({
      created: false,
    });
    const price = { amountMinor: 1, currency: 'EUR' };
    await application.purchases.purchase('ann', { coins: 9, price, provider: 'shop', paymentId: 'p' }, context());
    const gift = await application.gifts.send('r1', { viewerId: 'ann', gift: 'rose' }, context());
    expect(gift).toMatchObject({ answer: { balance: 8 } });
    expect(await history({})).toMatchObject([{ status: 'accepted' }]);
  });

  it('puts off lines of history from the first one that needs a new room or viewer', async () => {
    const full = { status: 'retry', code: 'overloaded', detail: expect.stringContaining('READ_MODEL_SUBJECTS_MAX') };
    expect(await history({}, { viewerId: 'bob' }, {})).toMatchObject([{ status: 'accepted' }, full, full]);
    expect(await history({ roomId: 'r2' }, {})).toMatchObject([full, full]);
    held = 0;
    expect(await history({ viewerId: 'bob', roomId: 'r2' })).toMatchObject([{ status: 'accepted' }]);
  });
});
