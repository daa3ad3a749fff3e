/** Longer than usual: gifts, purchases and imports share one harness of processes over one store. */
import type { Accepted, CommandContext } from '@livegift/command-handling';
import type { GiftAnswer, HistoryLine, PurchaseAnswer, PurchaseCoinsBody } from '@livegift/contracts';
import { silentTelemetry, type Cancellable, type Position, type RecordedEvent } from '@livegift/kernel';
import {
  InMemoryEventStore,
  NaiveLedger,
  SteeredEventStore,
  type SteeredAppend,
  type SteeredFate,
} from '@livegift/testing';
import { createGiftApplication, type GiftApplication } from './gift-application.js';
import type { GiftApplicationConfig } from './gift-application.config.js';

/** A clock and timers moved by hand, for all processes of a spec. */
class HandTime {
  nowMs = Date.UTC(2026, 2, 1, 12);
  /** How far the wall clock was set from the time that has passed. */
  wallAheadMs = 0;
  #timers: { atMs: number; task: () => void }[] = [];

  readonly clock = { now: () => this.nowMs + this.wallAheadMs, elapsedMs: () => this.nowMs };
  readonly scheduler = {
    after: (delayMs: number, task: () => void): Cancellable => {
      const immediate = delayMs === 0 ? setImmediate(task) : null;
      const timer = { atMs: this.nowMs + delayMs, task };
      if (immediate === null) this.#timers.push(timer);
      return {
        cancel: () => {
          if (immediate !== null) clearImmediate(immediate);
          this.#timers = this.#timers.filter((other) => other !== timer);
        },
      };
    },
  };

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.task();
    }
    this.nowMs = endMs;
    await settle();
  }
}

/** Until everything that can happen without time passing has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

let inner: InMemoryEventStore;
let time: HandTime;
let ids = 0;
let started: GiftApplication[];

beforeEach(() => {
  inner = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
  time = new HandTime();
  started = [];
});
afterEach(() => Promise.all(started.map((application) => application.finisher.stop())));

interface Process extends GiftApplication {
  readonly store: SteeredEventStore;
}

async function newProcess(config: Partial<GiftApplicationConfig> = {}, start = true): Promise<Process> {
  const store = new SteeredEventStore(inner);
  const application = createGiftApplication({
    store,
    clock: time.clock,
    scheduler: time.scheduler,
    ids: { uuid: () => `id-${ids++}` },
    telemetry: silentTelemetry,
    config,
  });
  if (start) await application.start();
  started.push(application);
  return { ...application, store };
}

const context = (idempotencyKey: string | null = `key-${ids++}`): CommandContext => ({
  idempotencyKey,
  correlationId: 'c',
});
const purchase = (paymentId: string, coins = 100): PurchaseCoinsBody => ({
  coins,
  price: { amountMinor: 499, currency: 'USD' },
  provider: 'shop',
  paymentId,
});
const rose = (viewerId: string, quantity?: number) => ({ viewerId, gift: 'rose', quantity });
const history = (importId: string, viewerId: string, change: Partial<HistoryLine> = {}): HistoryLine => ({
  importId,
  at: '2016-07-03T16:44:36Z',
  roomId: 'old-room',
  creatorId: 'cora',
  viewerId,
  coins: 5,
  ...change,
});
const numbered = <Body>(bodies: readonly Body[]): { line: number; body: Body }[] =>
  bodies.map((body, index) => ({ line: index + 1, body }));

const KEY_REUSED = { refused: 'idempotency-key-reused' };

async function wholeLog(): Promise<readonly RecordedEvent[]> {
  return inner.readAll({ limit: 10_000 });
}
async function eventsOf(type: string): Promise<readonly RecordedEvent[]> {
  return (await wholeLog()).filter((event) => event.type === type);
}
async function findings(): Promise<readonly string[]> {
  const ledger = new NaiveLedger();
  for (const event of await wholeLog()) ledger.applyEvent(event);
  return ledger.findings({ settled: false });
}

/** Ann with coins, in a room of Cleo. */
async function withAnn(process: Process, coins = 100): Promise<void> {
  await process.rooms.open({ roomId: 'r1', creatorId: 'cleo' }, context());
  await process.wallets.open({ viewerId: 'ann', region: 'DE', ageAssured: true }, context());
  if (coins > 0) await process.purchases.purchase('ann', purchase('p-0', coins), context());
}

describe('wallets', () => {
  it('open once; the same again is fine, other data is not', async () => {
    const { wallets } = await newProcess();
    const body = { viewerId: 'ann', region: 'DE', ageAssured: true };
    const first = await wallets.open(body, context('k'));
    expect(first).toMatchObject({ created: true, replayed: false, answer: { ...body, coins: 0 } });
    expect(await wallets.open(body, context())).toMatchObject({ created: false, answer: { coins: 0 } });
    expect(await wallets.open(body, context('k'))).toEqual({ ...first, replayed: true });
    expect(await wallets.open({ ...body, region: 'FR' }, context())).toEqual({ refused: 'wallet-exists' });
  });

  it('remember the key of what changed nothing: open again, change to the same', async () => {
    const process = await newProcess();
    const details = { region: 'DE', ageAssured: true };
    const other = { region: 'FR', ageAssured: true };
    await withAnn(process, 70);
    const { wallets, gifts } = process;
    const opened = await wallets.open({ viewerId: 'ann', ...details }, context('open'));
    const changed = await wallets.changeDetails('ann', details, context('change'));
    for (const outcome of [opened, changed])
      expect(outcome).toMatchObject({ created: false, replayed: false, answer: { coins: 70 } });
    await gifts.send('r1', rose('ann', 7), context());
    for (const { wallets: asked } of [process, await newProcess()]) {
      expect(await asked.open({ viewerId: 'ann', ...details }, context('open'))).toEqual({ ...opened, replayed: true });
      expect(await asked.changeDetails('ann', details, context('change'))).toEqual({ ...changed, replayed: true });
      expect(await asked.open({ viewerId: 'ann', ...other }, context('open'))).toEqual(KEY_REUSED);
      expect(await asked.changeDetails('ann', other, context('change'))).toEqual(KEY_REUSED);
    }
    expect(await eventsOf('WalletConfirmed')).toHaveLength(2);
    expect(await findings()).toEqual([]);
  });

  it('answer a repeated change of details with the balance of then', async () => {
    const process = await newProcess();
    await withAnn(process, 70);
    const details = { region: 'FR', ageAssured: true };
    const first = await process.wallets.changeDetails('ann', details, context('k'));
    expect(first).toMatchObject({ created: false, answer: { viewerId: 'ann', ...details, coins: 70 } });
    await process.gifts.send('r1', rose('ann', 7), context());
    expect(await process.wallets.changeDetails('ann', details, context('k'))).toEqual({ ...first, replayed: true });
    expect(await process.wallets.changeDetails('bob', details, context())).toEqual({ refused: 'wallet-not-found' });
  });
});

describe('rooms', () => {
  it('register the creator first, then open, then close; closing again is fine', async () => {
    const { rooms } = await newProcess();
    const opened = await rooms.open({ roomId: 'r1', creatorId: 'cleo', title: 'Songs' }, context('k'));
    expect(opened).toMatchObject({
      created: true,
      answer: { roomId: 'r1', creatorId: 'cleo', title: 'Songs', state: 'open', openedAt: '2026-03-01T12:00:00.000Z' },
    });
    expect(await rooms.open({ roomId: 'r1', creatorId: 'cleo', title: 'Songs' }, context(null))).toMatchObject({
      created: false,
    });
    expect(await rooms.open({ roomId: 'r1', creatorId: 'cora' }, context())).toEqual({ refused: 'room-exists' });
    const closed = await rooms.close('r1', context());
    expect(closed).toMatchObject({ created: false, answer: { roomId: 'r1', state: 'closed' } });
    expect(await rooms.close('r1', context(null))).toEqual(closed);
    expect(await rooms.open({ roomId: 'r1', creatorId: 'cleo', title: 'Songs' }, context('k'))).toEqual({
      ...opened,
      replayed: true,
    });
    expect(await rooms.close('r2', context())).toEqual({ refused: 'room-not-found' });
    const types = (await wholeLog()).map((event) => event.type).filter((type) => type !== 'GiftListed');
    expect(types).toEqual(['CreatorRegistered', 'RoomOpened', 'RoomClosed']);
    expect((await eventsOf('CreatorRegistered'))[0]!.metadata.settledThrough).toBeNull();
  });
});

describe('a room that is as the command wants it', () => {
  it('remembers the key, and its gifts still see it open, then closed', async () => {
    const process = await newProcess();
    await withAnn(process);
    const body = { roomId: 'r1', creatorId: 'cleo' };
    const opened = await process.rooms.open(body, context('open'));
    for (let again = 0; again < 30; again++) await process.rooms.open(body, context());
    const elsewhere = await newProcess();
    expect(await elsewhere.gifts.send('r1', rose('ann'), context())).toHaveProperty('answer');
    await process.rooms.close('r1', context());
    const closed = await process.rooms.close('r1', context('close'));
    for (const { rooms, gifts } of [process, await newProcess()]) {
      expect(await rooms.open(body, context('open'))).toEqual({ ...opened, replayed: true });
      expect(await rooms.close('r1', context('close'))).toEqual({ ...closed, replayed: true });
      expect(await rooms.open({ ...body, title: 'Other' }, context('open'))).toEqual(KEY_REUSED);
      expect(await rooms.open(body, context('close'))).toEqual(KEY_REUSED);
      expect(await gifts.send('r1', rose('ann'), context())).toEqual({ refused: 'room-closed' });
    }
    expect(await eventsOf('RoomClosed')).toHaveLength(1);
  });
});

describe('gifts', () => {
  it('are answered with everything that was decided', async () => {
    const process = await newProcess();
    await withAnn(process);
    const outcome = (await process.gifts.send('r1', rose('ann', 3), context())) as Accepted<GiftAnswer>;
    expect(outcome).toEqual({
      created: true,
      replayed: false,
      answer: {
        giftId: 'ann.2',
        roomId: 'r1',
        creatorId: 'cleo',
        viewerId: 'ann',
        gift: 'rose',
        quantity: 3,
        coins: 3,
        diamonds: 150,
        streak: { id: 'ann.2', count: 3 },
        balance: 97,
        position: (await wholeLog()).at(-1)!.position,
      },
    });
    const second = (await process.gifts.send('r1', rose('ann', 2), context())) as Accepted<GiftAnswer>;
    expect(second.answer.streak).toEqual({ id: 'ann.2', count: 5 });
    expect(await findings()).toEqual([]);
  });

  it('are refused in the declared order, a missing wallet first', async () => {
    const process = await newProcess();
    await withAnn(process, 10);
    const { gifts, rooms } = process;
    expect(await gifts.send('nowhere', rose('nobody'), context())).toEqual({ refused: 'wallet-not-found' });
    expect(await gifts.send('nowhere', { ...rose('ann'), gift: 'x' }, context())).toEqual({
      refused: 'room-not-found',
    });
    expect(await gifts.send('r1', { ...rose('ann'), gift: 'x' }, context())).toEqual({ refused: 'gift-unknown' });
    expect(await gifts.send('r1', rose('ann', 11), context())).toEqual({
      refused: 'balance-too-low',
      details: { balance: 10, required: 11 },
    });
    await rooms.close('r1', context());
    expect(await gifts.send('r1', rose('ann'), context())).toEqual({ refused: 'room-closed' });
  });

  it('see a room that another process closed, after referenceStalenessMs at the latest', async () => {
    const [here, there] = [await newProcess(), await newProcess()];
    await withAnn(here);
    expect(await here.gifts.send('r1', rose('ann'), context())).toHaveProperty('answer');
    await there.rooms.close('r1', context());
    time.nowMs += 1_001;
    expect(await here.gifts.send('r1', rose('ann'), context())).toEqual({ refused: 'room-closed' });
  });

  it('share their keys with lines in bulk', async () => {
    const process = await newProcess();
    await withAnn(process);
    const single = (await process.gifts.send('r1', rose('ann'), context('k'))) as Accepted<GiftAnswer>;
    const { giftId, position } = single.answer;
    const line = { ...rose('ann'), roomId: 'r1', quantity: 1, message: null, sender: null };
    expect(
      await process.bulkGifts.send(
        numbered([
          { ...line, idempotencyKey: 'k' },
          { ...line, idempotencyKey: 'k', quantity: 2 },
          { ...line, idempotencyKey: 'k2', viewerId: 'nobody' },
          { ...line, idempotencyKey: 'k3', quantity: 200 },
          { ...line, idempotencyKey: 'k3' },
        ]),
        'c',
      ),
    ).toEqual([
      { line: 1, status: 'replayed', giftId, position },
      { line: 2, status: 'refused', code: 'idempotency-key-reused' },
      { line: 3, status: 'refused', code: 'wallet-not-found' },
      { line: 4, status: 'refused', code: 'balance-too-low' },
      { line: 5, status: 'accepted', giftId: 'ann.3', position: (await wholeLog()).at(-1)!.position },
    ]);
  });

  it('of one wallet act in line order, in a few appends', async () => {
    const process = await newProcess();
    await withAnn(process, 1_000);
    const before = process.store.appends;
    const lines = Array.from({ length: 1_200 }, (_, i) => ({ ...rose('ann'), roomId: 'r1', idempotencyKey: `k-${i}` }));
    const answers = await process.bulkGifts.send(numbered(lines), 'c');
    expect(answers.map(({ status }) => status)).toEqual(
      lines.map((_, index) => (index < 1_000 ? 'accepted' : 'refused')),
    );
    expect(answers[999]!.giftId).toBe('ann.1001');
    expect(process.store.appends - before).toBeLessThanOrEqual(7);
    const again = await process.bulkGifts.send(numbered(lines), 'c');
    expect(again.slice(0, 1_000)).toEqual(answers.slice(0, 1_000).map((line) => ({ ...line, status: 'replayed' })));
    expect(await findings()).toEqual([]);
  });

  it('in bulk are to be sent again while the store is away', async () => {
    const process = await newProcess();
    await withAnn(process);
    process.store.fate = () => 'unavailable';
    const lines = numbered([{ ...rose('ann'), roomId: 'r1', idempotencyKey: 'k' }]);
    expect(await process.bulkGifts.send(lines, 'c')).toEqual([{ line: 1, status: 'retry', code: 'unavailable' }]);
    process.store.fate = () => 'through';
    expect(await process.bulkGifts.send(lines, 'c')).toMatchObject([{ line: 1, status: 'accepted' }]);
  });
});

describe('two processes', () => {
  it('never overdraw a wallet, and honour each other’s keys', async () => {
    const all = [await newProcess({ conflictRetriesMax: 100 }), await newProcess({ conflictRetriesMax: 100 })];
    await withAnn(all[0]!, 25);
    const send = (n: number, key: string) => all[n % 2]!.gifts.send('r1', rose('ann'), context(key));
    const outcomes = await Promise.all(Array.from({ length: 80 }, (_, i) => send(i, `k-${i >> 1}`)));
    const acted = outcomes.filter((outcome) => 'answer' in outcome && !outcome.replayed);
    expect(acted).toHaveLength(25);
    expect(await eventsOf('GiftSent')).toHaveLength(25);
    expect(await findings()).toEqual([]);
  });
});

describe('purchases', () => {
  it('make coins once for a payment, whoever uses it', async () => {
    const process = await newProcess();
    await withAnn(process, 0);
    await process.wallets.open({ viewerId: 'bob', region: 'DE', ageAssured: true }, context());
    const first = (await process.purchases.purchase('ann', purchase('p-1'), context('k'))) as Accepted<PurchaseAnswer>;
    expect(first).toMatchObject({
      created: true,
      replayed: false,
      answer: { purchaseId: 'ann.1', viewerId: 'ann', coins: 100, balance: 100 },
    });
    expect(await process.purchases.purchase('ann', purchase('p-1'), context('k'))).toEqual({
      ...first,
      replayed: true,
    });
    expect(await process.purchases.purchase('ann', purchase('p-2'), context('k'))).toEqual({
      refused: 'idempotency-key-reused',
    });
    for (const viewerId of ['ann', 'bob']) {
      expect(await process.purchases.purchase(viewerId, purchase('p-1'), context())).toEqual({
        refused: 'payment-already-used',
      });
    }
    expect(await findings()).toEqual([]);
  });

  it('are refused in the declared order', async () => {
    const process = await newProcess();
    await process.wallets.open({ viewerId: 'kid', region: 'DE', ageAssured: false }, context());
    expect(await process.purchases.purchase('nobody', purchase('p'), context())).toEqual({
      refused: 'wallet-not-found',
    });
    expect(await process.purchases.purchase('kid', purchase('p'), context())).toEqual({ refused: 'age-not-assured' });
    expect(await eventsOf('PaymentClaimed')).toEqual([]);
  });

  const diesAt = (stream: string, fate: 'silent-before' | 'silent-after') => (append: SteeredAppend) =>
    append.stream.startsWith(stream) ? fate : 'through';

  it.each([
    ['payment-', 'silent-before', 0],
    ['payment-', 'silent-after', 1],
    ['wallet-', 'silent-before', 1],
    ['wallet-', 'silent-after', 1],
  ] as const)('of a process that dies at %s %s are finished once', async (stream, fate, purchases) => {
    const dying = await newProcess({}, false);
    const survivor = await newProcess();
    const other = await newProcess();
    await withAnn(survivor, 0);
    dying.store.fate = diesAt(stream, fate);
    void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
    await settle();
    await time.pass(20_000);
    expect(await eventsOf('CoinsPurchased')).toHaveLength(purchases);
    expect([survivor.finisher.pending, other.finisher.pending]).toEqual([0, 0]);
    const retried = await survivor.purchases.purchase('ann', purchase('p-1'), context('k'));
    expect(retried).toMatchObject({ replayed: purchases === 1, answer: { balance: 100 } });
    expect(await findings()).toEqual([]);
  });

  it('are finished once by a repeat and two finishers at the same time', async () => {
    const dying = await newProcess({}, false);
    const [one, two] = [await newProcess(), await newProcess()];
    await withAnn(one, 0);
    dying.store.fate = diesAt('wallet-', 'silent-before');
    void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
    await settle();
    const repeats = [one, two, one].map((process) => process.purchases.purchase('ann', purchase('p-1'), context('k')));
    await time.pass(20_000);
    for (const repeat of await Promise.all(repeats)) expect(repeat).toMatchObject({ answer: { balance: 100 } });
    expect(await eventsOf('CoinsPurchased')).toHaveLength(1);
    expect(await findings()).toEqual([]);
  });

  it('can no longer be refused once claimed', async () => {
    const dying = await newProcess({}, false);
    const process = await newProcess({ finisherDelayMs: 1_000_000 });
    await withAnn(process, 0);
    dying.store.fate = diesAt('wallet-', 'silent-before');
    void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
    await settle();
    await process.wallets.changeDetails('ann', { region: 'DE', ageAssured: false }, context());
    expect(await process.purchases.purchase('ann', purchase('p-2'), context())).toEqual({ refused: 'age-not-assured' });
    const repeated = await process.purchases.purchase('ann', purchase('p-1'), context('k'));
    expect(repeated).toMatchObject({ answer: { coins: 100, balance: 100 } });
    expect(await findings()).toEqual([]);
  });

  it.each(['purchase', 'gift'] as const)(
    'claimed by a dying process give way to a %s that had their key first',
    async (what) => {
      const dying = await newProcess({}, false);
      const process = await newProcess({ finisherDelayMs: 10_000 });
      await withAnn(process, 10);
      dying.store.fate = diesAt('wallet-', 'silent-before');
      void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
      await settle();
      const quicker =
        what === 'gift'
          ? await process.gifts.send('r1', rose('ann'), context('k'))
          : await process.purchases.purchase('ann', purchase('p-2'), context('k'));
      expect(quicker).toMatchObject({ replayed: false });
      await time.pass(30_000);
      const [released] = await eventsOf('PaymentReleased');
      expect(released).toMatchObject({ stream: 'payment-shop-p-1', revision: 1, data: { idempotencyKey: 'k' } });
      expect(process.finisher.pending).toBe(0);
      expect(await process.purchases.purchase('ann', purchase('p-1'), context('k'))).toEqual(KEY_REUSED);
      const paid = await process.purchases.purchase('ann', purchase('p-1'), context('k2'));
      expect(paid).toMatchObject({ replayed: false, answer: { coins: 100 } });
      expect(await process.purchases.purchase('ann', purchase('p-1'), context('k2'))).toEqual({
        ...paid,
        replayed: true,
      });
      expect(await process.purchases.purchase('ann', purchase('p-1'), context())).toEqual({
        refused: 'payment-already-used',
      });
      expect(await findings()).toEqual([]);
    },
  );

  it('are told of their key before their payment, also where the key was used elsewhere', async () => {
    const [here, there] = [await newProcess(), await newProcess()];
    await withAnn(here, 10);
    await there.gifts.send('r1', rose('ann'), context('k'));
    expect(await here.purchases.purchase('ann', purchase('p-0'), context('k'))).toEqual(KEY_REUSED);
  });

  it('whose key was taken are free as soon as their repeat has been refused', async () => {
    const dying = await newProcess({}, false);
    const process = await newProcess({ finisherDelayMs: 1_000_000 });
    await withAnn(process, 0);
    dying.store.fate = diesAt('wallet-', 'silent-before');
    void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
    await settle();
    await process.purchases.purchase('ann', purchase('p-2'), context('k'));
    expect(await process.purchases.purchase('ann', purchase('p-1'), context('k'))).toEqual(KEY_REUSED);
    expect(await process.purchases.purchase('ann', purchase('p-1'), context('k2'))).toHaveProperty('answer');
    expect(await findings()).toEqual([]);
  });

  it('of two payments with one key at once, in two processes, one acts', async () => {
    for (let round = 0; round < 20; round++) {
      inner = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
      const [one, two] = [await newProcess(), await newProcess()];
      await withAnn(one, 10);
      const outcomes = await Promise.all([
        one.purchases.purchase('ann', purchase('p-1'), context('k')),
        two.purchases.purchase('ann', purchase('p-2'), context('k')),
        (round % 2 === 0 ? one : two).gifts.send('r1', rose('ann'), context('k')),
      ]);
      expect(outcomes.filter((outcome) => 'answer' in outcome)).toHaveLength(1);
      expect(outcomes.filter((outcome) => 'refused' in outcome)).toEqual([KEY_REUSED, KEY_REUSED]);
      expect(await findings()).toEqual([]);
    }
  });

  it.each(['lost', 'unheard'] as const)('whose claim’s answer was %s are there once in the end', async (fate) => {
    const process = await newProcess();
    await withAnn(process, 0);
    for (const stream of ['payment-', 'wallet-']) {
      const payment = `p-${stream}`;
      let struck = false;
      process.store.fate = (append) => {
        if (struck || !append.stream.startsWith(stream)) return 'through';
        struck = true;
        return fate;
      };
      await process.purchases.purchase('ann', purchase(payment), context(payment)).catch(() => {});
      expect(await process.purchases.purchase('ann', purchase(payment), context(payment))).toHaveProperty('answer');
    }
    expect(await eventsOf('CoinsPurchased')).toHaveLength(2);
    expect(await findings()).toEqual([]);
  });

  it('are finished, none forgotten, also when more were left behind than the finisher keeps', async () => {
    const dying = await newProcess({}, false);
    const process = await newProcess({ finisherPendingMax: 2 });
    await withAnn(process, 0);
    dying.store.fate = diesAt('wallet-', 'silent-before');
    for (const viewerId of ['bob', 'cid', 'dan', 'eva', 'fay']) {
      await process.wallets.open({ viewerId, region: 'DE', ageAssured: true }, context());
      void dying.purchases.purchase(viewerId, purchase(`p-${viewerId}`), context());
    }
    await settle();
    expect(process.finisher.pending).toBe(2);
    expect(await eventsOf('CoinsPurchased')).toHaveLength(3);
    await time.pass(20_000);
    expect(await eventsOf('CoinsPurchased')).toHaveLength(5);
    expect(await findings()).toEqual([]);
  });

  it('are finished also where the finisher’s checkpoint does not fit the log', async () => {
    const dying = await newProcess({}, false);
    const other = await newProcess({}, false);
    await other.catalogue.gifts();
    await withAnn(other, 0);
    dying.store.fate = diesAt('wallet-', 'silent-before');
    void dying.purchases.purchase('ann', purchase('p-1'), context());
    await settle();
    const beyond = '9'.repeat((await inner.head())!.length) as Position;
    await inner.saveCheckpoint('finisher', beyond);
    await newProcess();
    await time.pass(20_000);
    expect(await eventsOf('CoinsPurchased')).toHaveLength(1);
    expect((await inner.loadCheckpoint('finisher'))!.position < beyond).toBe(true);
    expect(await findings()).toEqual([]);
  });

  it('keep the finisher’s checkpoint behind what is not finished', async () => {
    const dying = await newProcess({}, false);
    const process = await newProcess();
    await withAnn(process, 50);
    await time.pass(10_000);
    const behind = (await inner.loadCheckpoint('finisher'))!.position;
    dying.store.fate = diesAt('wallet-', 'silent-before');
    void dying.purchases.purchase('ann', purchase('p-1'), context('k'));
    await settle();
    process.store.fate = (append) => (append.stream === 'wallet-ann' ? 'unavailable' : 'through');
    await time.pass(20_000);
    const [claim] = (await eventsOf('PaymentClaimed')).slice(-1);
    const stuck = (await inner.loadCheckpoint('finisher'))!.position;
    expect(stuck >= behind && stuck < claim!.position).toBe(true);
    process.store.fate = () => 'through';
    await time.pass(20_000);
    expect((await inner.loadCheckpoint('finisher'))!.position >= claim!.position).toBe(true);
    expect(await eventsOf('CoinsPurchased')).toHaveLength(2);
  });
});

describe('imported history', () => {
  it('opens what is new, buys and sends, in line order, with the time of then', async () => {
    const { history: imports } = await newProcess();
    const lines = ['bea', 'ann', 'bea', 'cid'].map((viewerId, i) => history(`i-${i}`, viewerId));
    const answers = await imports.import(numbered(lines), 'c');
    const gifts = await eventsOf('GiftSent');
    expect(gifts.map(({ data }) => (data as { importId: string }).importId)).toEqual(['i-0', 'i-1', 'i-2', 'i-3']);
    expect(answers).toEqual(
      ['bea.2', 'ann.2', 'bea.4', 'cid.2'].map((giftId, i) => ({
        line: i + 1,
        status: 'accepted',
        giftId,
        position: gifts[i]!.position,
      })),
    );
    expect(gifts[0]!.data).toMatchObject({
      gift: 'cheer',
      quantity: 5,
      coins: 5,
      diamonds: 250,
      balance: 0,
      imported: true,
      streak: null,
      occurredAt: '2016-07-03T16:44:36Z',
    });
    expect((await eventsOf('WalletOpened'))[0]!.data).toMatchObject({
      region: 'ZZ',
      ageAssured: false,
      imported: true,
    });
    expect((await eventsOf('RoomOpened')).map(({ data }) => data)).toEqual([
      { roomId: 'old-room', creatorId: 'cora', title: null, imported: true, occurredAt: '2016-07-03T16:44:36Z' },
    ]);
    expect(await findings()).toEqual([]);
  });

  it('counts once: again it is replayed, with other content refused', async () => {
    const [here, there] = [await newProcess({ importChunkLines: 3 }), await newProcess()];
    const lines = Array.from({ length: 10 }, (_, i) => history(`i-${i}`, `v-${i % 4}`));
    const first = await here.history.import(numbered(lines), 'c');
    const count = (await wholeLog()).length;
    const replayed = first.map((line) => ({ ...line, status: 'replayed' }));
    expect(await here.history.import(numbered(lines), 'c')).toEqual(replayed);
    expect(await there.history.import(numbered(lines), 'c')).toEqual(replayed);
    const changes: Partial<HistoryLine>[] = [
      { coins: 6 },
      { viewerId: 'x' },
      { creatorId: 'x' },
      { roomId: 'new-room' },
      { at: '2016-07-03T16:44:37Z' },
    ];
    const other = await there.history.import(numbered(changes.map((change) => history('i-1', 'v-1', change))), 'c');
    expect(other.map(({ code }) => code)).toEqual(changes.map(() => 'import-id-reused'));
    const sameTime = history('i-1', 'v-1', { at: '2016-07-03T16:44:36.000Z' });
    expect(await there.history.import(numbered([sameTime]), 'c')).toMatchObject([{ status: 'replayed' }]);
    expect(await wholeLog()).toHaveLength(count);
  });

  it('finds lines that have come before between two that are new', async () => {
    const process = await newProcess();
    const lines = Array.from({ length: 6 }, (_, n) => history(`i-${n}`, `v-${n % 4}`));
    await process.history.import(numbered([lines[1]!, lines[3]!]), 'c');
    const answers = await process.history.import(numbered(lines), 'c');
    expect(answers.map(({ status }) => status)).toEqual([
      'accepted',
      'replayed',
      'accepted',
      'replayed',
      'accepted',
      'accepted',
    ]);
    expect(await eventsOf('GiftSent')).toHaveLength(lines.length);
  });

  it('takes an importId twice in one request as if it came again', async () => {
    const { history: imports } = await newProcess();
    const line = history('i-1', 'ann');
    const answers = await imports.import(numbered([line, line, { ...line, coins: 6 }, history('i-2', 'ann')]), 'c');
    expect(answers).toMatchObject([
      { status: 'accepted', giftId: 'ann.2' },
      { status: 'replayed', giftId: 'ann.2' },
      { status: 'refused', code: 'import-id-reused' },
      { status: 'accepted', giftId: 'ann.4' },
    ]);
    expect(await findings()).toEqual([]);
  });

  it('refuses a room of another creator, and leaves that importId free', async () => {
    const process = await newProcess();
    await withAnn(process);
    await process.rooms.close('r1', context());
    const answers = await process.history.import(
      numbered([
        history('i-1', 'bea', { roomId: 'r1' }),
        history('i-2', 'bea', { roomId: 'r1', creatorId: 'cleo' }),
        history('i-3', 'bea'),
        history('i-4', 'bea', { creatorId: 'cleo' }),
        history('i-1', 'bea'),
        history('i-5', 'bea', { at: '2026-03-01T12:00:00.001Z' }),
      ]),
      'c',
    );
    expect(answers).toMatchObject([
      { status: 'refused', code: 'room-creator-mismatch' },
      { status: 'accepted' },
      { status: 'accepted' },
      { status: 'refused', code: 'room-creator-mismatch' },
      { status: 'accepted' },
      { status: 'invalid', errors: [{ path: 'body.at', rule: 'notInFuture' }] },
    ]);
    expect(await findings()).toEqual([]);
  });

  it('says of a line in another creator’s room which room and creators clash', async () => {
    const process = await newProcess();
    await withAnn(process);
    const lines = [history('i-1', 'bea', { roomId: 'r1' }), history('i-2', 'bea'), history('i-3', 'bea')];
    lines[2] = { ...lines[2]!, creatorId: 'dora' };
    const answers = await process.history.import(numbered(lines), 'c');
    expect(answers.map(({ detail }) => detail)).toEqual([
      'Room r1 belongs to creator cleo; the line names creator cora',
      undefined,
      'Room old-room belongs to creator cora; the line names creator dora',
    ]);
  });

  it('opens a room that is closed from its first event: no live gift gets in, later lines do', async () => {
    const [here, there] = [await newProcess(), await newProcess()];
    await withAnn(here);
    await here.history.import(numbered([history('i-1', 'bea')]), 'c');
    for (const process of [here, there]) {
      expect(await process.gifts.send('old-room', rose('ann'), context())).toEqual({ refused: 'room-closed' });
      const later = history(`later-${process === here}`, 'bea', { at: '2015-01-01T00:00:00Z' });
      expect(await process.history.import(numbered([later]), 'c')).toMatchObject([{ status: 'accepted' }]);
    }
    expect(await here.rooms.close('old-room', context())).toMatchObject({ answer: { state: 'closed' } });
    expect(await findings()).toEqual([]);
  });

  it('leaves a live room open that also gets history', async () => {
    const process = await newProcess();
    await withAnn(process);
    await process.history.import(numbered([history('i-1', 'bea', { roomId: 'r1', creatorId: 'cleo' })]), 'c');
    expect(await process.gifts.send('r1', rose('ann'), context())).toMatchObject({ answer: { roomId: 'r1' } });
  });

  it('keeps line order where another request brings a line first: that line is replayed', async () => {
    const [slow, quick] = [await newProcess(), await newProcess()];
    const lines = ['i-0', 'i-1', 'i-2', 'i-3'].map((importId) => history(importId, `v-${importId}`));
    let overtaken: Promise<unknown> | null = null;
    slow.store.fate = async ({ stream }): Promise<SteeredFate> => {
      if (stream.startsWith('wallet-')) await (overtaken ??= quick.history.import(numbered([lines[2]!]), 'q'));
      return 'through';
    };
    const answers = await slow.history.import(numbered(lines), 'c');
    expect(answers.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'replayed', 'accepted']);
    expect(await findings()).toEqual([]);
  });

  it('is claimed in line order: a process that dies leaves a prefix, finished in that order', async () => {
    const lines = Array.from({ length: 6 }, (_, i) => history(`i-${i}`, `v-${9 - i}`));
    const dying = await newProcess({}, false);
    dying.store.fate = ({ stream }) => (stream === 'import-i-3' ? 'silent-before' : 'through');
    void dying.history.import(numbered(lines), 'c');
    await newProcess();
    await time.pass(20_000);
    const imported = await eventsOf('GiftSent');
    expect(imported.map(({ data }) => (data as { importId: string }).importId)).toEqual(['i-0', 'i-1', 'i-2']);
  });

  it('is not overtaken by what stands behind a line that must be sent again', async () => {
    const process = await newProcess({ importChunkLines: 2 });
    const lines = Array.from({ length: 6 }, (_, i) => history(`i-${i}`, `v-${i}`));
    process.store.fate = ({ stream }) => (stream === 'import-i-3' ? 'unavailable' : 'through');
    const first = await process.history.import(numbered(lines), 'c');
    expect(first.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted', 'retry', 'retry', 'retry']);
    process.store.fate = () => 'through';
    await process.history.import(numbered(lines), 'c');
    const imported = await eventsOf('GiftSent');
    expect(imported.map(({ data }) => (data as { importId: string }).importId)).toEqual(
      lines.map(({ importId }) => importId),
    );
  });

  it('claims a slice while the slice before it goes into its wallets', async () => {
    const process = await newProcess({ importSliceLines: 2 });
    let claimed = (): void => {};
    const nextIsClaimed = new Promise<void>((resolve) => {
      claimed = resolve;
    });
    process.store.fate = async ({ stream }): Promise<SteeredFate> => {
      if (stream === 'import-i-3') claimed();
      if (stream.startsWith('wallet-')) await nextIsClaimed;
      return 'through';
    };
    const lines = Array.from({ length: 5 }, (_, i) => history(`i-${i}`, `v-${i % 2}`));
    const answers = await process.history.import(numbered(lines), 'c');
    expect(answers.map(({ status }) => status)).toEqual(lines.map(() => 'accepted'));
    const gifts = await eventsOf('GiftSent');
    expect(gifts.map(({ data }) => (data as { importId: string }).importId)).toEqual(lines.map((l) => l.importId));
    expect(await findings()).toEqual([]);
  });

  it.each([
    ['a claim', 'import-i-4', [1, 2, 3]],
    ['a wallet', 'wallet-v-4', [1, 2, 3]],
  ] as const)('in slices is not overtaken either behind %s that fails', async (_, failing, slices) => {
    for (const importSliceLines of slices) {
      const process = await newProcess({ importSliceLines });
      const prefix = `s${importSliceLines}`;
      const lines = Array.from({ length: 9 }, (__, i) => history(`${prefix}-${i}`, `${prefix}-${i}`));
      const wanted = failing.replace(/[iv]-/, `${prefix}-`);
      process.store.fate = ({ stream }) => (stream === wanted ? 'unavailable' : 'through');
      const first = await process.history.import(numbered(lines), 'c');
      expect(first.map(({ status }) => status)).toEqual(lines.map((__, i) => (i < 4 ? 'accepted' : 'retry')));
      process.store.fate = () => 'through';
      const again = await process.history.import(numbered(lines), 'c');
      expect(again.map(({ status }) => status).slice(0, 4)).toEqual(Array(4).fill('replayed'));
      const imported = await eventsOf('GiftSent');
      const ids = imported.map(({ data }) => (data as { importId: string }).importId);
      expect(ids.filter((id) => id.startsWith(prefix))).toEqual(lines.map(({ importId }) => importId));
      expect(await findings()).toEqual([]);
    }
  });

  it('finishes the lines of one request in order, also where one fails at first', async () => {
    const lines = Array.from({ length: 3 }, (_, i) => history(`i-${i}`, `v-${i}`));
    const dying = await newProcess({}, false);
    dying.store.fate = ({ stream }) => (stream.startsWith('wallet-') ? 'silent-before' : 'through');
    void dying.history.import(numbered(lines), 'c');
    const process = await newProcess();
    process.store.fate = ({ stream }) =>
      stream === 'wallet-v-0' && time.nowMs < failsUntilMs ? 'unavailable' : 'through';
    const failsUntilMs = time.nowMs + 15_000;
    await time.pass(40_000);
    const imported = await eventsOf('GiftSent');
    expect(imported.map(({ stream }) => stream)).toEqual(['wallet-v-0', 'wallet-v-1', 'wallet-v-2']);
    expect(await findings()).toEqual([]);
  });

  it.each(['silent-before', 'silent-after'] as const)('of a process that dies (%s) is finished once', async (fate) => {
    const dying = await newProcess({}, false);
    const [one] = [await newProcess(), await newProcess()];
    dying.store.fate = ({ events }) => (events.some(({ type }) => type === 'GiftSent') ? fate : 'through');
    const lines = Array.from({ length: 6 }, (_, i) => history(`i-${i}`, `v-${i % 2}`));
    void dying.history.import(numbered(lines), 'c');
    await settle();
    expect(await eventsOf('HistoryClaimed')).toHaveLength(6);
    const [again] = await Promise.all([one.history.import(numbered(lines), 'c'), time.pass(20_000)]);
    expect(again.map(({ status }) => status)).toEqual(lines.map(() => 'replayed'));
    await time.pass(20_000);
    expect(await eventsOf('GiftSent')).toHaveLength(6);
    expect(await findings()).toEqual([]);
  });

  it.each(['silent-before', 'silent-after'] as const)(
    'nobody sends again (%s) is finished by the finisher',
    async (fate) => {
      const dying = await newProcess({}, false);
      await newProcess();
      dying.store.fate = ({ events }) => (events.some(({ type }) => type === 'GiftSent') ? fate : 'through');
      void dying.history.import(numbered([history('i-1', 'ann'), history('i-2', 'bea'), history('i-3', 'ann')]), 'c');
      await settle();
      await time.pass(20_000);
      expect(await eventsOf('GiftSent')).toHaveLength(3);
      expect(await findings()).toEqual([]);
    },
  );

  it.each([
    { fate: 'lost', importSliceLines: undefined, lineCount: 5, failing: 2 },
    { fate: 'unheard', importSliceLines: undefined, lineCount: 5, failing: 2 },
    { fate: 'lost', importSliceLines: 2, lineCount: 9, failing: 4 },
    { fate: 'unheard', importSliceLines: 2, lineCount: 9, failing: 4 },
  ] as const)(
    'goes on in order after an answer was $fate, in slices of $importSliceLines',
    async ({ fate, importSliceLines, lineCount, failing }) => {
      const process = await newProcess(importSliceLines === undefined ? {} : { importSliceLines });
      let appended = 0;
      process.store.fate = ({ events }) => {
        if (!events.some(({ type }) => type === 'GiftSent')) return 'through';
        return ++appended === failing ? fate : 'through';
      };
      const lines = Array.from({ length: lineCount }, (_, i) => history(`i-${i}`, `v-${i % 2}`));
      const answers = await process.history.import(numbered(lines), 'c');
      expect(answers.map(({ status }) => status)).toEqual(lines.map(() => 'accepted'));
      const gifts = await eventsOf('GiftSent');
      expect(gifts.map(({ data }) => (data as { importId: string }).importId)).toEqual(lines.map((l) => l.importId));
      expect(await findings()).toEqual([]);
    },
  );

  it('counts a line once that another process completes between two slices', async () => {
    const [here, there] = [await newProcess({ importSliceLines: 1 }), await newProcess()];
    const lines = [history('i-1', 'ann'), history('i-2', 'ann')];
    let isHeld = true;
    here.store.fate = async ({ events }): Promise<SteeredFate> => {
      if (!isHeld || !events.some(({ type }) => type === 'GiftSent')) return 'through';
      isHeld = false;
      // The second line is claimed by now, and the same file comes in through the other process.
      await settle();
      await there.history.import(numbered(lines.slice(1)), 'd');
      return 'through';
    };
    const answers = await here.history.import(numbered(lines), 'c');
    expect(answers.map(({ status }) => status)).toEqual(['accepted', 'replayed']);
    const gifts = await eventsOf('GiftSent');
    expect(gifts.map(({ data }) => (data as { importId: string }).importId).sort()).toEqual(['i-1', 'i-2']);
    expect(await findings()).toEqual([]);
  });

  it('at two processes at once counts once', async () => {
    const [here, there] = [await newProcess(), await newProcess()];
    const lines = Array.from({ length: 20 }, (_, i) => history(`i-${i}`, `v-${i % 3}`));
    const both = await Promise.all([here, there].map((process) => process.history.import(numbered(lines), 'c')));
    expect(both.flat().filter(({ status }) => status === 'retry')).toEqual([]);
    expect(await eventsOf('GiftSent')).toHaveLength(20);
    expect(await findings()).toEqual([]);
  });
});

describe('the catalogue', () => {
  it.each([
    ['as it is', 0],
    ['set back an hour', -3_600_000],
  ])('is at most referenceStalenessMs old when a gift is priced, with the wall clock %s', async (_, stepMs) => {
    const process = await newProcess();
    await withAnn(process);
    await process.gifts.send('r1', rose('ann'), context());
    const [last] = await inner.readStream('catalogue', { direction: 'backwards', limit: 1 });
    const data = { name: 'rose', coins: 7, tier: 'small', occurredAt: '2026-03-01T12:00:00.000Z' };
    const repriced = { ...last!, id: 'repriced', type: 'GiftRepriced', data };
    await inner.append('catalogue', [repriced], last!.revision);
    time.wallAheadMs = stepMs;
    time.nowMs += 1_001;
    const sent = (await process.gifts.send('r1', rose('ann'), context())) as Accepted<GiftAnswer>;
    expect(sent.answer.coins).toBe(7);
  });

  it('is listed once, by whoever is first', async () => {
    const [here] = await Promise.all([newProcess(), newProcess()]);
    const gifts = await here.catalogue.gifts();
    expect(gifts[0]).toEqual({ name: 'cheer', title: 'Cheer', coins: 1, tier: 'small', icon: '📣' });
    expect(await eventsOf('GiftListed')).toHaveLength(gifts.length);
  });
});
