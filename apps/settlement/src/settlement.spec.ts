// Longer than most: the stores that fail on purpose stand beside the cases that need them.
import { creatorStream, type DiamondsCredited } from '@livegift/domain';
import { EventStoreError, type EventStore, type Subscription } from '@livegift/event-store';
import { silentTelemetry, type NewEvent, type RecordedEvent, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { SharedWork } from '@livegift/lease';
import { InMemoryEventStore, MoneyScenario, NaiveLedger } from '@livegift/testing';
import { Settlement, type SettlementOptions, type SettlementParts } from './settlement.js';

/** Delays pass at once, in the next turn of the event loop. */
const impatient: Scheduler = {
  after: (_delayMs, task) => {
    const handle = setImmediate(task);
    return { cancel: () => clearImmediate(handle) };
  },
};

let uuids = 0;
function settlementOver(
  store: EventStore,
  options: Partial<SettlementOptions> = {},
  parts: Partial<SettlementParts> = {},
) {
  return new Settlement({
    store,
    clock: { now: () => 1_772_400_000_000, elapsedMs: () => 1_772_400_000_000 },
    ids: { uuid: () => `credit ${++uuids}` },
    scheduler: impatient,
    telemetry: silentTelemetry,
    options: { checkpointEveryGifts: 3, batchEventsMax: 4, ...options },
    ...parts,
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const TURNS_MAX = 10_000;

/** Until it is caught up: time passes only in turns of the event loop, so this takes no longer than the work does. */
async function untilSettled(settlement: Settlement, store: EventStore): Promise<void> {
  for (let i = 0; i < TURNS_MAX; i++) {
    await turn();
    const { caughtUp, position } = settlement.state();
    if (caughtUp && position === (await store.head())) return;
  }
  throw new Error(`not settled: ${JSON.stringify(settlement.state())}`);
}

async function findings(scenario: MoneyScenario): Promise<string[]> {
  const ledger = new NaiveLedger();
  for (const event of await scenario.log()) ledger.applyEvent(event);
  return ledger.findings();
}

async function credits(store: EventStore, creatorId: string): Promise<readonly (RecordedEvent & DiamondsCredited)[]> {
  const events = await store.readStream(creatorStream(creatorId), { limit: 10_000 });
  return events.filter((event) => event.type === 'DiamondsCredited') as (RecordedEvent & DiamondsCredited)[];
}

let store: InMemoryEventStore;
let scenario: MoneyScenario;
let running: Settlement[];

beforeEach(async () => {
  store = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
  scenario = new MoneyScenario(store);
  running = [];
  await scenario.wallet('ann', 1_000);
  await scenario.wallet('bob', 1_000);
  await scenario.room('r1', 'cleo');
  await scenario.room('r2', 'cora');
});
afterEach(() => Promise.all(running.map((settlement) => settlement.stop())));

function start(options: Partial<SettlementOptions> = {}, over: EventStore = store, parts?: Partial<SettlementParts>) {
  const settlement = settlementOver(over, options, parts);
  running.push(settlement);
  settlement.start();
  return settlement;
}

/** Gifts of two viewers to two creators, interleaved. */
async function gifts(count: number, first = 0): Promise<void> {
  for (let i = first; i < first + count; i++) {
    await scenario.gift({ viewerId: i % 2 ? 'ann' : 'bob', roomId: i % 3 ? 'r1' : 'r2', quantity: 1 + (i % 4) });
  }
}

/** Someone else's event in a creator's stream, which carries on how far the creator is settled. */
async function appendToCreator(creatorId: string, type: string, to: EventStore = store): Promise<void> {
  const [last] = await to.readStream(creatorStream(creatorId), { direction: 'backwards', limit: 1 });
  const event: NewEvent = {
    id: `foreign ${++uuids}`,
    type,
    schemaVersion: 1,
    data: {},
    metadata: {
      $correlationId: 'x',
      $causationId: 'x',
      recordedAt: '2026-03-01T12:00:00.000Z',
      settledThrough: last?.metadata.settledThrough ?? null,
    },
  };
  await to.append(creatorStream(creatorId), [event], last?.revision ?? 'no-stream');
}

interface HandedWork {
  readonly work: SharedWork;
  hand(isOurs: boolean): void;
}

/** The one piece of work, given and taken away by hand. */
function handedWork(isOurs: boolean): HandedWork {
  let parts: ReadonlySet<number> = new Set(isOurs ? [0] : []);
  let listener: (parts: ReadonlySet<number>) => void = () => {};
  return {
    work: {
      partCount: 1,
      isAgreed: () => true,
      parts: () => parts,
      onChange: (asked) => (listener = asked),
      start: () => {},
      stop: () => Promise.resolve(),
    },
    hand: (given) => {
      parts = new Set(given ? [0] : []);
      listener(parts);
    },
  };
}

describe('settlement', () => {
  it('credits every gift once, in order, and says in each credit what it credits', async () => {
    await gifts(10);
    const settlement = start();
    await untilSettled(settlement, store);
    expect(await findings(scenario)).toEqual([]);
    const sent = (await scenario.log()).filter((event) => event.type === 'GiftSent');
    const [first, second] = await credits(store, 'cora');
    const gift = sent.find((event) => (event.data as { creatorId: string }).creatorId === 'cora')!;
    expect(first).toEqual({
      id: expect.stringMatching(/^credit \d+$/),
      type: 'DiamondsCredited',
      schemaVersion: 1,
      stream: 'creator-cora',
      revision: 1,
      position: expect.any(String),
      data: {
        creatorId: 'cora',
        giftId: 'bob.2',
        giftPosition: gift.position,
        roomId: 'r2',
        coins: 1,
        diamonds: 50,
        balance: 50,
        occurredAt: (gift.data as { occurredAt: string }).occurredAt,
      },
      metadata: {
        $correlationId: gift.metadata.$correlationId,
        $causationId: gift.id,
        recordedAt: '2026-03-01T21:20:00.000Z',
        previousOfType: null,
        settledThrough: gift.position,
      },
    });
    expect(second?.metadata.previousOfType).toBe(1);
  });

  it('goes on live, gift by gift', async () => {
    const settlement = start();
    for (let i = 0; i < 7; i++) {
      await gifts(1, i);
      await untilSettled(settlement, store);
      expect(await findings(scenario)).toEqual([]);
    }
  });

  it('credits a creator who has no stream', async () => {
    const bare = new InMemoryEventStore(store.storeId);
    for (const event of await scenario.log()) {
      if (!event.stream.startsWith('creator-')) {
        await bare.append(event.stream, [event], event.revision === 0 ? 'no-stream' : event.revision - 1);
      }
    }
    scenario = new MoneyScenario(bare);
    await scenario.gift({ viewerId: 'ann', roomId: 'r1' });
    await untilSettled(start({}, bare), bare);
    expect((await bare.readStream('creator-cleo', { limit: 10 })).map((event) => event.type)).toEqual([
      'DiamondsCredited',
    ]);
  });

  it('catches up with a log far ahead of it, in appends that fit', async () => {
    await scenario.wallet('rich', 10_000_000);
    await gifts(20);
    for (let i = 0; i < 600; i++) await scenario.gift({ viewerId: 'rich', roomId: 'r1' });
    const small = limited(store, { appendEventsMax: 7 });
    await untilSettled(start({ batchEventsMax: 500 }, small), store);
    expect(await findings(scenario)).toEqual([]);
    expect(small.appends).toBeGreaterThan(600 / 7);
  });

  it('splits what turns out too large', async () => {
    await gifts(30);
    await untilSettled(start({ batchEventsMax: 500 }, limited(store, { tooLargeFrom: 3 })), store);
    expect(await findings(scenario)).toEqual([]);
  });

  it('keeps only so many creators, and knows the others from their streams', async () => {
    await gifts(9);
    const settlement = start({ creatorsCachedMax: 1, batchEventsMax: 1 });
    await untilSettled(settlement, store);
    await gifts(9, 9);
    await untilSettled(settlement, store);
    expect(await findings(scenario)).toEqual([]);
  });

  it('keeps the balance right when another kind of event stands last', async () => {
    await gifts(6);
    const first = start();
    await untilSettled(first, store);
    await first.stop();
    for (let i = 0; i < 250; i++) await appendToCreator('cleo', 'SomethingElse');
    await gifts(6, 6);
    await untilSettled(start(), store);
    expect(await findings(scenario)).toEqual([]);
    const ofCleo = await credits(store, 'cleo');
    expect(ofCleo.some((credit) => credit.revision > 250)).toBe(true);
  });

  it('reads again when somebody else writes in between, also while it runs', async () => {
    await gifts(6);
    const settlement = start();
    await untilSettled(settlement, store);
    await appendToCreator('cleo', 'SomethingElse');
    await gifts(6, 6);
    await untilSettled(settlement, store);
    expect(await findings(scenario)).toEqual([]);
  });

  it('needs no checkpoint, and goes on from the one it saved', async () => {
    await gifts(12);
    const first = start();
    await untilSettled(first, store);
    await first.stop();
    expect((await store.loadCheckpoint('settlement'))?.position).toBe(first.state().position);
    await gifts(3, 12);
    await untilSettled(start(), store);
    const forgetful: EventStore = limited(store, { forgetsCheckpoints: true });
    await untilSettled(start({}, forgetful), store);
    expect(await findings(scenario)).toEqual([]);
  });

  it('works beside a second one by mistake', async () => {
    await gifts(40);
    const telemetry = counting();
    const slow = (seed: number) => limited(store, { turnsEach: seed });
    const two = [1, 2].map((seed) => start({}, slow(seed), { telemetry }));
    for (const settlement of two) await untilSettled(settlement, store);
    await gifts(40, 40);
    for (const settlement of two) await untilSettled(settlement, store);
    expect(await findings(scenario)).toEqual([]);
    expect(telemetry.counts.get('settlement_conflicts_total')).toBeGreaterThan(0);
  });

  it("stands by while the work is another's, takes it over, gives it up, and takes it up again", async () => {
    const [mine, yours] = [handedWork(false), handedWork(true)];
    const standby = start({}, store, { work: mine.work });
    const first = start({}, store, { work: yours.work });
    const rounds: readonly (readonly [giving: HandedWork, taking: HandedWork, settling: Settlement])[] = [
      [mine, yours, first],
      [yours, mine, standby],
      [mine, yours, first],
    ];
    for (const [round, [giving, taking, settling]] of rounds.entries()) {
      giving.hand(false);
      taking.hand(true);
      await gifts(6, 6 * round);
      await untilSettled(settling, store);
      const idle = settling === first ? standby : first;
      expect(idle.state()).toMatchObject({ caughtUp: false, failing: null });
    }
    expect(await findings(scenario)).toEqual([]);
  });

  it.each(['append-outcome-unknown', 'unavailable', 'overloaded'] as const)('lives through %s', async (code) => {
    await gifts(30);
    const flaky = limited(store, { failEveryAppend: { nth: 3, code, afterwards: code === 'append-outcome-unknown' } });
    await untilSettled(start({}, flaky), store);
    expect(await findings(scenario)).toEqual([]);
  });
});

describe('settlement killed', () => {
  /** Whether a settlement whose store dies at its `killAt`th step came to its end, stopping included. */
  async function run(killAt: number): Promise<boolean> {
    const killable = new KillableStore(store, killAt);
    const settlement = settlementOver(killable.store);
    settlement.start();
    const end = { reached: false };
    for (let i = 0; i < TURNS_MAX && !killable.killed && !end.reached; i++) {
      await turn();
      const { caughtUp, position } = settlement.state();
      if (caughtUp && position === (await store.head())) void settlement.stop().then(() => (end.reached = true));
    }
    return end.reached;
  }

  it('after any step, a new one credits each gift exactly once', async () => {
    let killAt = 0;
    for (let finished = false; !finished; killAt++) {
      store = new InMemoryEventStore(store.storeId);
      scenario = new MoneyScenario(store);
      await scenario.wallet('ann', 1_000);
      await scenario.wallet('bob', 1_000);
      await scenario.room('r1', 'cleo');
      await scenario.room('r2', 'cora');
      await gifts(9);
      finished = await run(killAt);
      if (killAt % 2) await appendToCreator('cleo', 'SomethingElse');
      await gifts(2, 9);
      await untilSettled(start(), store);
      expect({ killAt, findings: await findings(scenario) }).toEqual({ killAt, findings: [] });
    }
    expect(killAt).toBeGreaterThan(20);
  });
});

/** A store over which nothing more happens, and no call ever returns, from its `killAt`th step on. */
class KillableStore {
  killed = false;
  #steps = 0;
  readonly store: EventStore;

  constructor(
    inner: EventStore,
    private readonly killAt: number,
  ) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.#call(() => (value as (...a: unknown[]) => unknown).apply(target, args));
      },
    });
  }

  async #call(work: () => unknown): Promise<unknown> {
    await this.#step();
    const result = await work();
    await this.#step();
    return isSubscription(result)
      ? { next: () => this.#call(() => result.next()), close: () => result.close() }
      : result;
  }

  #step(): Promise<void> {
    this.killed ||= this.#steps++ === this.killAt;
    return this.killed ? new Promise<void>(() => {}) : Promise.resolve();
  }
}

function isSubscription(value: unknown): value is Subscription {
  return typeof value === 'object' && value !== null && 'next' in value;
}

interface Limits {
  readonly appendEventsMax?: number;
  readonly tooLargeFrom?: number;
  readonly forgetsCheckpoints?: boolean;
  /** Turns of the event loop that each call takes. */
  readonly turnsEach?: number;
  readonly failEveryAppend?: {
    readonly nth: number;
    readonly code: 'append-outcome-unknown' | 'unavailable' | 'overloaded';
    /** The events were written all the same. */
    readonly afterwards: boolean;
  };
}

/** The same store, with smaller limits, slower, or failing now and then. */
function limited(inner: InMemoryEventStore, limits: Limits): EventStore & { appends: number } {
  const later = async (): Promise<void> => {
    for (let i = 0; i < (limits.turnsEach ?? 0); i++) await turn();
  };
  const own: Partial<EventStore> & { appends: number } = {
    appends: 0,
    appendEventsMax: limits.appendEventsMax ?? inner.appendEventsMax,
    // Settlement appends one entry at a time.
    appendInOrder: async ([entry]) => {
      const { stream, events, expected } = entry!;
      const nth = ++own.appends;
      if (events.length >= (limits.tooLargeFrom ?? Infinity)) {
        return { results: [], failure: new EventStoreError('append-too-large', 'too large') };
      }
      await later();
      const fail = limits.failEveryAppend;
      const fails = fail !== undefined && nth % fail.nth === 0;
      const failed = { results: [], failure: new EventStoreError(fail?.code ?? 'unavailable', 'on purpose') };
      if (fails && !(fail.afterwards && nth % 2)) return failed;
      const result = await inner.appendInOrder([{ stream, events, expected }]);
      return fails ? failed : result;
    },
    readStream: async (stream, options) => {
      await later();
      return inner.readStream(stream, options);
    },
    loadCheckpoint: async (consumer) => (limits.forgetsCheckpoints ? null : inner.loadCheckpoint(consumer)),
  };
  return new Proxy(inner, {
    get: (target, name) => {
      if (name in own) return Reflect.get(own, name) as unknown;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  }) as unknown as EventStore & { appends: number };
}

function counting(): Telemetry & { readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return { ...silentTelemetry, counts, count: (name, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by) };
}
