import type { NewEvent, Position } from '@livegift/kernel';
import { InMemoryEventStore } from '@livegift/testing';
import { Receipts, type RecordedGift } from './receipts.js';

const recordedAt = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;

function event(type: string, data: object, minute: number, settledThrough?: Position | null): NewEvent {
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: recordedAt(minute), settledThrough };
  return { id: crypto.randomUUID(), type, schemaVersion: 1, data, metadata };
}

function gift(revision: number): NewEvent {
  const data = {
    giftId: `ann.${revision}`,
    roomId: 'r',
    creatorId: 'bela',
    viewerId: 'ann',
    gift: 'rose',
    quantity: 1,
    coins: 3,
    creatorShareBps: 3_333,
    diamonds: 99,
    streak: { id: `ann.${revision}`, count: 1, coins: 3 },
    message: null,
    sender: null,
    balance: 7,
    imported: false,
    importId: null,
    occurredAt: recordedAt(1),
  };
  return event('GiftSent', data, 1);
}

describe('receipts', () => {
  let store: InMemoryEventStore;
  let receipts: Receipts;
  let positions: readonly Position[];

  beforeEach(async () => {
    store = new InMemoryEventStore('a-store');
    receipts = new Receipts(store);
    const wallet = [event('WalletOpened', {}, 0), ...Array.from({ length: 40 }, (_, i) => gift(i + 1))];
    ({ positions } = await store.append('wallet-ann', wallet, 'no-stream'));
  });

  /** Credits the first `count` gifts, in one append or several, with other events in between. */
  async function credit(count: number): Promise<void> {
    const events = [event('CreatorRegistered', {}, 2, null)];
    for (let i = 1; i <= count; i++) {
      const giftPosition = positions[i]!;
      events.push(event('DiamondsCredited', { giftId: `ann.${i}`, giftPosition }, i, giftPosition));
      if (i % 3 === 0) events.push(event('PayoutRequested', {}, 59, giftPosition));
    }
    await store.append('creator-bela', events, 'no-stream');
  }

  const creditedAt = async (revision: number): Promise<string | null> => {
    const found = (await receipts.gift(`ann.${revision}`)) as RecordedGift;
    return (await receipts.receiptsOf([found]))[0]!.creditedAt;
  };

  it('stand where the id says, and nowhere else', async () => {
    expect((await receipts.gift('ann.7'))?.revision).toBe(7);
    for (const id of ['ann.0', 'ann.41', 'bob.1', 'ann', 'ann.07', 'ann.1e1', '.1']) {
      expect([id, await receipts.gift(id)]).toEqual([id, null]);
    }
  });

  it('have a part for the platform that leaves nothing over', async () => {
    const found = (await receipts.gift('ann.3')) as RecordedGift;
    const [receipt] = await receipts.receiptsOf([found]);
    expect(receipt).toMatchObject({ coins: 3, diamonds: 99, platformDiamonds: 201, streak: { id: 'ann.3', count: 1 } });
  });

  it('are not credited before their creator has a stream, nor beyond where it is settled', async () => {
    expect(await creditedAt(1)).toBeNull();
    await credit(10);
    expect(await creditedAt(11)).toBeNull();
  });

  it('know when each was credited, whatever stands between the credits', async () => {
    await credit(25);
    for (let revision = 1; revision <= 25; revision++) expect(await creditedAt(revision)).toBe(recordedAt(revision));
    expect(await creditedAt(26)).toBeNull();
  });
});
