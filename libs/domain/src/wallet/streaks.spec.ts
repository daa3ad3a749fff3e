import { accepted } from '@livegift/testing';
import { gapMs, STREAK_WINDOW_MS_MAX } from './streaks.js';
import type { SendGift, WalletCommand } from './wallet.commands.js';
import { walletDecider } from './wallet.decide.js';
import type { GiftSent } from './wallet.events.js';
import { STREAKS_TRACKED_MAX, type WalletState } from './wallet.state.js';

const START_MS = Date.parse('2026-03-01T23:59:58.000Z');
const at = (ms: number): string => new Date(START_MS + ms).toISOString();

/** A topped-up wallet that says of each gift which streak it is on. */
class Sender {
  state: WalletState = walletDecider.initialState;

  constructor() {
    const occurredAt = at(0);
    this.#run({ type: 'OpenWallet', viewerId: 'ann', region: 'DE', ageAssured: true, imported: false, occurredAt });
    const price = { amountMinor: 1, currency: 'EUR' };
    this.#run({ type: 'PurchaseCoins', coins: 1e6, price, provider: 'shop', paymentId: 'p', occurredAt });
  }

  /** Sends `quantity` coins' worth and answers `<id> <count> <coins>`. */
  send(gift: string, ms: number, change: Partial<SendGift> = {}): string {
    const [event] = this.#run({
      type: 'SendGift',
      roomId: 'r1',
      gift,
      quantity: 1,
      message: null,
      sender: null,
      occurredAt: at(ms),
      streakWindowMs: 3_000,
      creatorShareBps: 5_000,
      room: { creatorId: 'cleo', open: true },
      creatorDiamonds: 0,
      priceCoins: 2,
      ...change,
    });
    const { id, count, coins } = (event as GiftSent).data.streak!;
    return `${id} ${count} ${coins}`;
  }

  #run(command: WalletCommand) {
    const events = accepted(walletDecider.decide(command, this.state));
    for (const event of events) this.state = walletDecider.evolve(this.state, event);
    return events;
  }
}

describe('a streak', () => {
  it('adds up units and coins: 3 + 2 = 5', () => {
    const ann = new Sender();
    expect(ann.send('rose', 0, { quantity: 3 })).toBe('ann.2 3 6');
    expect(ann.send('rose', 10, { quantity: 2 })).toBe('ann.2 5 10');
  });

  it('stays at 2^53 - 1 instead of becoming inexact', () => {
    const ann = new Sender();
    ann.send('rose', 0);
    const max = Number.MAX_SAFE_INTEGER;
    const [streak] = ann.state.streaks;
    ann.state = { ...ann.state, streaks: [{ ...streak!, count: max - 1, coins: max - 2 }] };
    expect(ann.send('rose', 1)).toBe(`ann.2 ${max} ${max}`);
    expect(ann.send('rose', 2)).toBe(`ann.2 ${max} ${max}`);
  });

  it('goes on from 0 to streakWindowMs after the last gift, also over midnight', () => {
    const ann = new Sender();
    ann.send('rose', 0);
    expect(ann.send('rose', 0)).toBe('ann.2 2 4');
    expect(ann.send('rose', 3_000)).toBe('ann.2 3 6');
    expect(ann.send('rose', 6_000)).toBe('ann.2 4 8');
    expect(ann.send('rose', 9_001)).toBe('ann.6 1 2');
  });

  it('begins anew when the clock went back', () => {
    const ann = new Sender();
    ann.send('rose', 100);
    expect(ann.send('rose', 99)).toBe('ann.3 1 2');
    expect(ann.send('rose', 100)).toBe('ann.3 2 4');
  });

  it('is not ended by other gifts or rooms in between', () => {
    const ann = new Sender();
    ann.send('rose', 0);
    ann.send('lion', 1);
    ann.send('rose', 2, { roomId: 'r2' });
    expect(ann.send('rose', 3)).toBe('ann.2 2 4');
    expect(ann.send('lion', 4)).toBe('ann.3 2 4');
    expect(ann.send('rose', 5, { roomId: 'r2' })).toBe('ann.4 2 4');
  });

  it('starts over at once when the window is 0 and time has passed', () => {
    const ann = new Sender();
    ann.send('rose', 0, { streakWindowMs: 0 });
    expect(ann.send('rose', 0, { streakWindowMs: 0 })).toBe('ann.2 2 4');
    expect(ann.send('rose', 1, { streakWindowMs: 0 })).toBe('ann.4 1 2');
  });

  it('is forgotten when too many others were touched since, the longest untouched first', () => {
    const ann = new Sender();
    ann.send('first', 0);
    ann.send('second', 0);
    for (let i = 0; i < STREAKS_TRACKED_MAX - 2; i++) ann.send(`gift-${i}`, 0);
    expect(ann.send('first', 1)).toBe('ann.2 2 4');
    ann.send('one-more', 1);
    expect(ann.state.streaks).toHaveLength(STREAKS_TRACKED_MAX);
    expect(ann.send('first', 2)).toBe('ann.2 3 6');
    expect(ann.send('second', 2)).toBe(`ann.${ann.state.nextRevision - 1} 1 2`);
    expect(ann.state.streaks).toHaveLength(STREAKS_TRACKED_MAX);
  });

  it('is let go when no window can reach it any more', () => {
    const ann = new Sender();
    for (let i = 0; i < 20; i++) ann.send(`gift-${i}`, 0);
    ann.send('late', STREAK_WINDOW_MS_MAX + 1);
    expect(ann.state.streaks.map((streak) => streak.gift)).toEqual(['late']);
  });

  it('is the same after the state went through JSON', () => {
    const ann = new Sender();
    ann.send('rose', 0);
    ann.state = JSON.parse(JSON.stringify(ann.state)) as WalletState;
    expect(ann.send('rose', 5)).toBe('ann.2 2 4');
  });
});

describe('gapMs', () => {
  it.each([
    ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T09:59:59.999Z', '2026-03-01T10:00:00.000Z'],
    ['2026-03-01T23:59:59.999Z', '2026-03-02T00:00:00.001Z'],
    ['2026-03-02T00:00:00.001Z', '2026-03-01T23:59:59.999Z'],
    ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00.123456789Z'],
    ['2024-02-28T12:34:56.789Z', '2024-02-29T21:43:05.987Z'],
  ])('from %s to %s is what Date says', (from, to) => {
    expect(gapMs(from, to)).toBe(Date.parse(to) - Date.parse(from));
  });

  it('is NaN for what is no time', () => {
    expect(gapMs('soon', '2026-03-01T12:00:00.000Z')).toBeNaN();
  });
});
