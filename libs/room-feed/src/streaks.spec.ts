import { RoomStreaks, type StreakGift } from './streaks.js';

const WINDOW_MS = 3_000;

function rose(
  quantity: number,
  count: number,
  options: Partial<StreakGift> & { readonly id?: string } = {},
): StreakGift {
  const { id = 'v.1', ...fields } = options;
  return {
    viewerId: 'v',
    gift: 'rose',
    quantity,
    coins: quantity * 2,
    giftInfo: { priceCoins: 2 },
    streak: { id, count },
    ...fields,
  };
}

describe("a room's streaks", () => {
  let streaks: RoomStreaks;
  beforeEach(() => {
    streaks = new RoomStreaks(WINDOW_MS, 3);
  });

  it('end once, their window after the last gift, with all units and coins', () => {
    streaks.add(rose(3, 3), 0);
    streaks.add(rose(2, 5), 2_000);
    expect(streaks.nextEndMs).toBe(5_000);
    expect(streaks.endedBy(4_999)).toEqual([]);
    const ended = { type: 'streak-ended', streak: { id: 'v.1', count: 5, coins: 10 }, viewerId: 'v', gift: 'rose' };
    expect(streaks.endedBy(5_000)).toEqual([ended]);
    expect(streaks.endedBy(9_000)).toEqual([]);
    expect(streaks.nextEndMs).toBeNull();
  });

  it('say nothing of a single gift, whatever its quantity', () => {
    streaks.add(rose(50, 50), 0);
    expect(streaks.endedBy(WINDOW_MS)).toEqual([]);
  });

  it('count the gifts that came before the first one seen', () => {
    streaks.add(rose(2, 10), 0);
    expect(streaks.endedBy(WINDOW_MS)).toMatchObject([{ streak: { id: 'v.1', count: 10, coins: 20 } }]);
  });

  it('end when their viewer begins another streak of that gift', () => {
    streaks.add(rose(1, 1), 0);
    streaks.add(rose(1, 2), 100);
    expect(streaks.add(rose(1, 1, { id: 'v.9' }), 200)).toMatchObject([{ streak: { id: 'v.1', count: 2, coins: 4 } }]);
    expect(streaks.endedBy(10_000)).toEqual([]);
  });

  it('are kept apart by viewer and by gift, and end in the order of their last gifts', () => {
    streaks.add(rose(1, 2, { id: 'a' }), 0);
    streaks.add(rose(1, 2, { id: 'b', viewerId: 'w' }), 100);
    streaks.add(rose(1, 2, { id: 'c', gift: 'lion' }), 200);
    streaks.add(rose(1, 3, { id: 'a' }), 300);
    expect(streaks.endedBy(10_000).map(({ streak }) => streak.id)).toEqual(['b', 'c', 'a']);
  });

  it('are bounded: the one that would end first ends early', () => {
    for (const id of ['a', 'b', 'c']) expect(streaks.add(rose(1, 2, { id, viewerId: id }), 0)).toEqual([]);
    expect(streaks.add(rose(1, 2, { id: 'd', viewerId: 'd' }), 0)).toMatchObject([{ streak: { id: 'a' } }]);
  });

  it('have nothing to do with gifts that stand in none', () => {
    expect(streaks.add({ ...rose(1, 1), streak: null }, 0)).toEqual([]);
    expect(streaks.nextEndMs).toBeNull();
  });
});
