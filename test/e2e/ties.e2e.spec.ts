/** Equal scores stand in the order in which they were reached, on every board and window, also while settlement is late. */
import { ApiClient, eventually, type Board, type LogEvent } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { LogFold, WINDOWS, type FoldedEntry } from '../support/log-fold.js';

const VIEWERS = Array.from({ length: 14 }, (_, index) => `viewer-${index}`);
const ROOMS = [
  ['room-a', 'creator-1'],
  ['room-b', 'creator-1'],
  ['room-c', 'creator-2'],
  ['room-d', 'creator-3'],
] as const;
const LIVE_GIFTS = 6_000;
const IN_ONE_REQUEST = 3_000;
/** Two hours, two days, two weeks and two months of history, in which the later hour comes into the log first. */
const PAST = ['2016-08-01T03:10:00Z', '2016-07-31T23:50:00Z', '2016-07-31T22:50:00Z'];

/** Small steps, so that many members stand at one score; the same on every run. */
const steps = (index: number): number => 1 + ((index * 7) % 3);
const viewerOf = (index: number): string => VIEWERS[(index * 5 + Math.floor(index / 14)) % VIEWERS.length]!;
const roomOf = (index: number): (typeof ROOMS)[number] => ROOMS[(index * 3 + Math.floor(index / 4)) % ROOMS.length]!;

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('ties', () => {
  let engine: Engine;
  let api: ApiClient;
  let through: string;
  let fold: LogFold;

  beforeAll(async () => {
    engine = await startEngine();
    api = new ApiClient(engine.url);
    for (const [roomId, creatorId] of ROOMS) await api.post('/v1/rooms', { roomId, creatorId });
    for (const viewerId of VIEWERS) {
      await api.post('/v1/wallets', { viewerId, region: 'SE', ageAssured: true });
      const purchase = {
        coins: 10_000,
        price: { amountMinor: 1, currency: 'SEK' },
        provider: 'shop',
        paymentId: viewerId,
      };
      await api.keyed(`/v1/wallets/${viewerId}/purchases`, 'first', purchase);
    }
    const history = PAST.flatMap((at, hour) =>
      VIEWERS.map((_, index) => {
        const [roomId, creatorId] = roomOf(index + hour);
        return { importId: `${hour}-${index}`, at, roomId, creatorId, viewerId: viewerOf(index + hour * 3), coins: 5 };
      }),
    );
    const imported = await api.lines<{ status: string }>('/v1/history/import', history);
    expect(imported.body.every(({ status }) => status === 'accepted')).toBe(true);
    for (let from = 0; from < LIVE_GIFTS; from += IN_ONE_REQUEST) {
      const gifts = Array.from({ length: IN_ONE_REQUEST }, (_, offset) => {
        const index = from + offset;
        const gift = { roomId: roomOf(index)[0], viewerId: viewerOf(index), gift: 'cheer', quantity: steps(index) };
        return { idempotencyKey: `gift-${index}`, ...gift };
      });
      const sent = await api.lines<{ status: string; position: string }>('/v1/gifts/bulk', gifts);
      expect(sent.body.filter(({ status }) => status !== 'accepted')).toEqual([]);
      through = sent.body
        .map(({ position }) => position)
        .sort()
        .at(-1)!;
    }
  }, 120_000);

  afterAll(() => engine.dispose());

  const boards = [
    'gifters',
    'creators',
    ...ROOMS.map(([room]) => `rooms/${room}/gifters`),
    ...['creator-1', 'creator-2', 'creator-3'].map((creator) => `creators/${creator}/gifters`),
  ];

  function rankedEntries(board: Board): readonly FoldedEntry[] {
    return board.entries.map(({ rank, id, score, reachedAt }) => ({ rank, id, score, reachedAt: sameText(reachedAt) }));
  }
  const sameText = (time: string): string => new Date(time).toISOString();
  const folded = (
    board: string,
    window: (typeof WINDOWS)[number],
    at: string,
  ): Pick<Board, 'total'> & { entries: readonly FoldedEntry[] } => {
    const { entries, total } = fold.board(board, window, at);
    return { total, entries: entries.map((entry) => ({ ...entry, reachedAt: sameText(entry.reachedAt) })) };
  };

  async function everyBoardIsRight(): Promise<number> {
    let ties = 0;
    const moments = [...PAST, fold.gifts.at(-1)!.occurredAt];
    for (const board of boards) {
      for (const window of WINDOWS) {
        for (const at of moments) {
          const answered = await api.board(`${board}?window=${window}&at=${at}&limit=100&after=${through}`);
          const entries = rankedEntries(answered);
          expect({ board, window, at, total: answered.total, entries }).toEqual({
            board,
            window,
            at,
            ...folded(board, window, at),
          });
          ties += entries.filter(({ score }, index) => score === entries[index - 1]?.score).length;
        }
      }
    }
    return ties;
  }

  const credited = async (): Promise<number> => {
    const events: readonly LogEvent[] = await api.events({ types: 'DiamondsCredited' });
    return events.length;
  };

  it('stand in order of reaching as soon as the gifts are accepted, and after settlement', async () => {
    fold = new LogFold(await api.events());
    expect(fold.gifts).toHaveLength(LIVE_GIFTS + PAST.length * VIEWERS.length);
    const ties = await everyBoardIsRight();
    expect(ties).toBeGreaterThan(100);
    await eventually(credited, (count) => count === fold.gifts.length, 60_000);
    expect(await everyBoardIsRight()).toBe(ties);
  }, 120_000);

  it('stand so when boards are read in pages, around a member, and of one member', async () => {
    const at = PAST[0]!;
    const { entries } = folded('gifters', 'hour', at);
    for (let from = 1; from <= entries.length; from += 4) {
      const page = await api.board(`gifters?window=hour&at=${at}&from=${from}&limit=4`);
      expect(rankedEntries(page)).toEqual(entries.slice(from - 1, from + 3));
    }
    for (const [index, { id }] of entries.entries()) {
      for (const limit of [1, 4, 5]) {
        const around = await api.board(`gifters?window=hour&at=${at}&around=${id}&limit=${limit}&member=${id}`);
        const before = Math.floor(limit / 2);
        const start = Math.max(0, Math.min(index - before, entries.length - limit));
        expect({ id, limit, entries: rankedEntries(around) }).toEqual({
          id,
          limit,
          entries: entries.slice(start, start + limit),
        });
        expect(around.member).toMatchObject({ id, rank: index + 1 });
      }
    }
    const stranger = await api.board(`gifters?window=hour&at=${at}&around=nobody&member=nobody`);
    expect(stranger).toMatchObject({ entries: [], member: null, total: entries.length });
  }, 60_000);

  it('stand so after the read models were made anew', async () => {
    await engine.kill();
    await engine.up();
    expect(await everyBoardIsRight()).toBeGreaterThan(100);
  }, 120_000);
});
