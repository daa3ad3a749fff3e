/** The questions asked after the crashes bite: each breach, put in by hand, is told. */
import type { LogEvent } from '../support/api-client.js';
import { acknowledgedOnce, gaps } from './aftermath.js';

const gift = (giftId: string, coins = 5): LogEvent => ({
  position: giftId,
  stream: 'wallet-ann',
  revision: 0,
  type: 'GiftSent',
  occurredAt: '2026-01-01T00:00:00Z',
  recordedAt: '2026-01-01T00:00:00Z',
  data: {
    giftId,
    roomId: 'r',
    viewerId: 'ann',
    gift: 'rose',
    quantity: 5,
    coins,
    diamonds: 250,
    balance: 0,
    imported: false,
  },
});
const told = (giftId: string): Record<string, unknown> => gift(giftId).data;
const acknowledged = (...ids: readonly string[]): Parameters<typeof acknowledgedOnce>[0] => ({
  acknowledged: ids.map((id) => ({ path: '/v1/rooms/r/gifts', key: id, body: {}, status: 201, answer: told(id) })),
  lines: [],
  imported: [],
});
const heard = (giftIds: string[], gapsTold: number[] = []): Parameters<typeof gaps>[1] => ({
  giftIds,
  gapsTold,
  complaints: [],
});

describe('the questions after a crash', () => {
  it('are content with what was acknowledged, once each', () => {
    expect(acknowledgedOnce(acknowledged('a', 'b'), [gift('a'), gift('b')])).toEqual([]);
  });
  it.each([
    ['lost', acknowledged('a', 'b'), [gift('a')], /b was acknowledged and stands in the log 0 times/],
    ['doubled', acknowledged('a'), [gift('a'), gift('a')], /stands in the log 2 times/],
    ['acted on under a second id', acknowledged('a'), [gift('a'), gift('b')], /b stands in the log, but no command/],
    ['answered twice', acknowledged('a', 'a'), [gift('a')], /answered to two commands/],
    ['otherwise than answered', acknowledged('a'), [gift('a', 6)], /coins was 5, the log has 6/],
  ])('tell of a gift that was %s', (_breach, driver, log, told) => {
    expect(acknowledgedOnce(driver, log).join('\n')).toMatch(told);
  });

  const log = ['a', 'b', 'c', 'd'].map((id) => gift(id));
  it('are content with a whole feed, and with a gap that was told', () => {
    expect(gaps('r', heard(['a', 'b', 'c', 'd']), log)).toEqual([]);
    expect(gaps('r', heard(['a', 'd'], [1]), log)).toEqual([]);
    expect(gaps('r', heard(['a', 'b'], [2]), log)).toEqual([]);
  });
  it.each([
    ['misses one', heard(['a', 'c', 'd']), /misses 1 gifts before c/],
    ['misses the end', heard(['a', 'b']), /misses the last 2 gifts/],
    ['is out of order', heard(['a', 'c', 'b', 'd']), /has b where the log has it earlier/],
    ['has what never was', heard(['a', 'b', 'x', 'c', 'd']), /has x where/],
  ])('tell of a feed that %s', (_breach, listener, told) => {
    expect(gaps('r', listener, log).join('\n')).toMatch(told);
  });
});
