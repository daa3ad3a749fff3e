import type { HistoryRow } from '../import/history-rows.js';
import { Broadcast, type BroadcastOptions, type Platform } from './broadcast.js';

const row = (at: string, roomId: string, viewerId: string, coins: number): HistoryRow => ({
  fileLine: 2,
  at: `2016-07-09T${at}Z`,
  roomId,
  creatorId: `${roomId}-creator`,
  viewerId,
  coins,
});

async function play(
  rows: readonly HistoryRow[],
  options: Partial<BroadcastOptions> = {},
): Promise<{ done: string[]; pausedMs: number }> {
  const done: string[] = [];
  let pausedMs = 0;
  const platform: Platform = {
    openWallet: async (viewerId) => void done.push(`wallet ${viewerId}`),
    buyCoins: async (viewerId, coins) => void done.push(`${viewerId} buys ${coins}`),
    openRoom: async (roomId, creatorId) => void done.push(`${creatorId} opens ${roomId}`),
    closeRoom: async (roomId) => void done.push(`closes ${roomId}`),
    cheer: async (roomId, viewerId, quantity) => void done.push(`${viewerId} cheers ${quantity} in ${roomId}`),
  };
  const broadcast = new Broadcast(
    platform,
    { speed: 60, fromMs: 0, roomSuffix: '', ...options },
    { roomOpened: () => {}, giftSent: () => {} },
    { elapsedMs: () => pausedMs, pause: async (ms) => void (pausedMs += ms) },
  );
  await broadcast.play(
    (async function* () {
      yield* rows;
    })(),
  );
  return { done, pausedMs };
}

describe('a broadcast of a past event', () => {
  it('opens what is new, buys what is given, and closes a room when the next begins', async () => {
    const { done } = await play([
      row('10:00:00', 'a', 'ann', 5),
      row('10:00:01', 'a', 'ann', 6),
      row('10:00:02', 'b', 'bob', 7),
    ]);
    expect(done).toEqual([
      'a-creator opens a',
      'wallet ann',
      'ann buys 5',
      'ann cheers 5 in a',
      'ann buys 6',
      'ann cheers 6 in a',
      'closes a',
      'b-creator opens b',
      'wallet bob',
      'bob buys 7',
      'bob cheers 7 in b',
    ]);
  });

  it('sends as several gifts what is too many for one', async () => {
    const { done } = await play([row('10:00:00', 'a', 'ann', 2_000_005)]);
    expect(done.slice(2)).toEqual([
      'ann buys 2000005',
      'ann cheers 999999 in a',
      'ann cheers 999999 in a',
      'ann cheers 7 in a',
    ]);
  });

  it('begins where it is told to, and makes rooms of its own within the length of an id', async () => {
    const long = 'x'.repeat(64);
    const fromMs = Date.parse('2016-07-09T11:00:00Z');
    const { done } = await play([row('10:00:00', 'a', 'ann', 5), row('11:00:00', long, 'bob', 6)], {
      fromMs,
      roomSuffix: '-run',
    });
    expect(done[0]).toBe(`${long}-creator opens ${'x'.repeat(60)}-run`);
    expect(done.join()).not.toContain('ann');
  });

  it('goes as fast as it is told to, and cuts silences', async () => {
    const rows = [row('10:00:00', 'a', 'ann', 1), row('10:01:00', 'a', 'ann', 1), row('18:00:00', 'a', 'ann', 1)];
    const { pausedMs } = await play(rows, { speed: 60 });
    // One second for the minute, two for the eight hours.
    expect(pausedMs).toBe(3_000);
  });
});
