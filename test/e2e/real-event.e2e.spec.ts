/** The real event of test/fixtures, imported as users import it, comes out exactly as an independent program computed it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, eventually, type BoardEntry } from '../support/api-client.js';
import { repositoryRoot, startEngine, type Engine } from '../support/engine.js';
import { livegift } from '../support/livegift-cli.js';
import { LogFold, WINDOWS } from '../support/log-fold.js';

interface ExpectedEntry {
  readonly rank: number;
  readonly id: string;
  readonly score: number;
  readonly reachedAt: string;
}
type ByPeriod = Readonly<Record<string, readonly ExpectedEntry[]>>;

interface Expected {
  readonly gifts: number;
  readonly coins: number;
  readonly diamonds: number;
  readonly viewers: number;
  readonly rooms: number;
  readonly creators: number;
  readonly roomGifters: ByPeriod;
  readonly creators_all: readonly ExpectedEntry[];
  readonly gifters_all: readonly ExpectedEntry[];
  readonly creators_hour: ByPeriod;
  readonly gifters_hour: ByPeriod;
  readonly creators_day: ByPeriod;
  readonly gifters_day: ByPeriod;
  readonly creators_week: ByPeriod;
  readonly gifters_week: ByPeriod;
  readonly creators_month: ByPeriod;
  readonly gifters_month: ByPeriod;
  readonly creatorDiamonds: Readonly<Record<string, number>>;
  readonly asOf: {
    readonly at: string;
    readonly gifts: number;
    readonly coins: number;
    readonly creators_all: readonly ExpectedEntry[];
  };
}

const FIXTURE = join(repositoryRoot(), 'test/fixtures/sgdq2016.csv');
const expected = JSON.parse(readFileSync(FIXTURE.replace('.csv', '.expected.json'), 'utf8')) as Expected;
const PERIODS = ['hour', 'day', 'week', 'month'] as const;

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('the real event', () => {
  let engine: Engine;
  let api: ApiClient;
  let importedThrough: string;

  beforeAll(async () => {
    engine = await startEngine();
    api = new ApiClient(engine.url);
    const run = await livegift('import', FIXTURE, '--api', engine.url);
    expect(run).toMatchObject({ exitCode: 0, stderr: `livegift: importing ${FIXTURE} into ${engine.url} (--api)\n` });
    const summary = JSON.parse(run.stdout) as { position: string };
    expect(summary).toMatchObject({
      rows: expected.gifts,
      accepted: expected.gifts,
      replayed: 0,
      refused: 0,
      invalid: 0,
    });
    importedThrough = summary.position;
  }, 120_000);

  afterAll(() => engine.dispose());

  const entriesOf = ({ entries }: { readonly entries: readonly BoardEntry[] }): readonly ExpectedEntry[] =>
    entries.map(({ rank, id, score, reachedAt }) => ({ rank, id, score, reachedAt }));

  async function answersAreRight(): Promise<void> {
    const after = `after=${importedThrough}`;
    for (const [room, entries] of Object.entries(expected.roomGifters)) {
      const board = await api.board(`rooms/${room}/gifters?limit=${entries.length}&${after}`);
      expect({ room, entries: entriesOf(board) }).toEqual({ room, entries });
    }
    for (const who of ['creators', 'gifters'] as const) {
      const all = await api.board(`${who}?limit=${expected[`${who}_all`].length}&${after}`);
      expect(entriesOf(all)).toEqual(expected[`${who}_all`]);
      expect(all.total).toBe(who === 'creators' ? expected.creators : expected.viewers);
      for (const window of PERIODS) {
        for (const [startsAt, entries] of Object.entries(expected[`${who}_${window}`])) {
          const board = await api.board(`${who}?window=${window}&at=${startsAt}&limit=10&${after}`);
          expect({ who, window, startsAt: board.window.startsAt, entries: entriesOf(board) }).toEqual({
            who,
            window,
            startsAt,
            entries,
          });
        }
      }
    }
    let earned = 0;
    for (const [creatorId, diamonds] of Object.entries(expected.creatorDiamonds)) {
      const { body } = await api.get(`/v1/creators/${creatorId}?${after}`);
      expect(body).toMatchObject({ creatorId, diamonds });
      earned += diamonds;
    }
    expect(earned).toBeLessThanOrEqual(expected.diamonds);
    const rooms = await api.list<{ giftCount: number; coins: number; diamonds: number }>('/v1/rooms');
    expect(rooms).toHaveLength(expected.rooms);
    const sum = (field: 'giftCount' | 'coins' | 'diamonds'): number =>
      rooms.reduce((total, room) => total + room[field], 0);
    expect([sum('giftCount'), sum('coins'), sum('diamonds')]).toEqual([
      expected.gifts,
      expected.coins,
      expected.diamonds,
    ]);
  }

  it('gives every answer exactly', answersAreRight, 60_000);

  it('credits every diamond', async () => {
    for (const [creatorId, diamonds] of Object.entries(expected.creatorDiamonds)) {
      await eventually(
        () => api.get<{ creditedDiamonds: number }>(`/v1/creators/${creatorId}`),
        ({ body }) => body.creditedDiamonds === diamonds,
        60_000,
      );
    }
  }, 90_000);

  it('changes nothing when it is imported again', async () => {
    const before = (await api.events()).at(-1)!.position;
    const run = await livegift('import', FIXTURE, '--api', engine.url);
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ rows: expected.gifts, accepted: 0, replayed: expected.gifts });
    expect(await api.events({ after: before })).toEqual([]);
    await answersAreRight();
  }, 120_000);

  it('is the same after a restart', async () => {
    await engine.restart();
    await answersAreRight();
  }, 120_000);

  it('is the same when a small program folds the log', async () => {
    const fold = new LogFold(await api.events());
    expect(fold.gifts).toHaveLength(expected.gifts);
    expect(fold.gifts.reduce((sum, gift) => sum + gift.coins, 0)).toBe(expected.coins);
    expect([fold.wallets.size, fold.rooms.size, fold.creators.size]).toEqual([
      expected.viewers,
      expected.rooms,
      expected.creators,
    ]);
    for (const [room, entries] of Object.entries(expected.roomGifters)) {
      expect(fold.board(`rooms/${room}/gifters`, 'all', '1970-01-01T00:00:00Z', entries.length).entries).toEqual(
        entries,
      );
    }
    for (const window of WINDOWS) {
      const at = '2016-07-09T12:00:00Z';
      for (const board of ['gifters', 'creators']) {
        const answered = await api.board(`${board}?window=${window}&at=${at}&limit=100`);
        const folded = fold.board(board, window, at);
        expect({ board, window, total: answered.total, entries: entriesOf(answered) }).toEqual({
          board,
          window,
          ...folded,
        });
      }
    }
    const wallet = await api.get('/v1/wallets/anonymous');
    expect(wallet.body).toMatchObject({ region: 'ZZ', ageAssured: false, ...fold.wallets.get('anonymous') });
    expect([...fold.credits.values()].every((times) => times === 1)).toBe(true);
    expect(fold.credits.size).toBe(expected.gifts);
  }, 60_000);

  it('answers what stood at a moment of the event', async () => {
    const { at, gifts, coins, creators_all } = expected.asOf;
    const events = await api.events({ types: 'WalletOpened,CoinsPurchased,GiftSent' });
    const fold = new LogFold(events.filter(({ type, occurredAt }) => type === 'WalletOpened' || occurredAt <= at));
    expect(fold.gifts).toHaveLength(gifts);
    expect(fold.gifts.reduce((sum, gift) => sum + gift.coins, 0)).toBe(coins);
    expect(fold.board('creators', 'all', at, creators_all.length).entries).toEqual(creators_all);
  }, 60_000);

  it('says in its receipts what the rows said', async () => {
    const { body } = await api.get<{ items: Record<string, unknown>[] }>('/v1/wallets/anonymous/gifts?limit=1');
    expect(body.items[0]).toMatchObject({
      gift: 'cheer',
      viewerId: 'anonymous',
      coins: 500,
      diamonds: 25_000,
      platformDiamonds: 25_000,
      occurredAt: '2016-07-11T20:16:09Z',
      imported: true,
      streak: null,
      creditedAt: expect.any(String),
    });
  });

  it('passes the audit, beside the running engine', async () => {
    const run = await livegift('audit', '--data-dir', engine.dataDir, '--json');
    expect(run).toMatchObject({ exitCode: 0, stderr: `livegift: auditing ${engine.dataDir} (--data-dir)\n` });
    expect(JSON.parse(run.stdout)).toMatchObject({
      summary: {
        gifts: expected.gifts,
        coinsSpent: String(expected.coins),
        diamondsCredited: String(expected.diamonds),
        findings: 0,
      },
    });
  }, 60_000);
});
