import { silentTelemetry, type NewEvent, type RecordedEvent } from '@livegift/kernel';
import { InMemoryEventStore, SteeredEventStore, type SteeredFate } from '@livegift/testing';
import type { Decided } from './command-ticket.js';
import type { Accepted, CommandOutcome } from './outcome.js';
import { hashBody, KEYS_REMEMBERED_MIN } from './remembered-keys.js';
import { StreamCommands, type StreamCommandsOptions } from './stream-commands.js';
import {
  toyConfirmed,
  toyDecider,
  type ToyCommand,
  type ToyEvent,
  type ToyRefusal,
  type ToyState,
} from './toy-purse.js';

type Answer = Pick<Decided<ToyEvent, ToyState>, 'revision' | 'position'> & { readonly held: number | null };

/** One process over a store that others may share. */
class Process {
  readonly commands: StreamCommands<ToyState, ToyCommand, ToyEvent, ToyRefusal>;
  #ids = 0;
  nowMs = Date.UTC(2026, 2, 1, 12);

  constructor(
    readonly store: SteeredEventStore,
    options: Partial<StreamCommandsOptions> = {},
    stateVersion = 1,
  ) {
    this.commands = new StreamCommands({
      store,
      clock: { now: () => this.nowMs },
      ids: { uuid: () => `${processes}-${this.#ids++}` },
      telemetry: silentTelemetry,
      kind: { decider: toyDecider, stateVersion, confirmed: toyConfirmed },
      options,
    });
    processes++;
  }

  do(command: ToyCommand, key: string | null = null, stream = 'purse-a'): Promise<CommandOutcome<Answer>> {
    const bodyHash = key === null ? null : hashBody(JSON.stringify(command));
    const cause = { idempotencyKey: key, bodyHash, correlationId: 'c' };
    return this.commands.execute(stream, command, cause, toAccepted);
  }
}

let processes = 0;
const fill = (amount: number): ToyCommand => ({ type: 'Fill', amount });
const take = (amount: number, pieces?: number): ToyCommand => ({ type: 'Take', amount, pieces });

function toAccepted({ events, revision, position, replayed, state }: Decided<ToyEvent, ToyState>): Accepted<Answer> {
  return {
    answer: { revision, position, held: events.at(-1)?.data.held ?? state?.held ?? null },
    created: events.length > 0,
    replayed,
  };
}

let inner: InMemoryEventStore;
beforeEach(() => {
  inner = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
});
const steered = (): SteeredEventStore => new SteeredEventStore(inner);
const log = (stream = 'purse-a'): Promise<readonly RecordedEvent[]> => inner.readStream(stream, { limit: 10_000 });
const summary = async (): Promise<string[]> =>
  (await log()).map(({ type, data }) => `${type} ${(data as { amount: number }).amount}`);

/** Fates of the appends in turn, then `through`. */
function fates(store: SteeredEventStore, ...list: SteeredFate[]): void {
  store.fate = () => list.shift() ?? 'through';
}

describe('commands of one stream', () => {
  it('are decided in order, each on the state that the one before left, and appended together', async () => {
    const process = new Process(steered());
    const outcomes = await Promise.all([
      process.do(fill(10)),
      process.do(take(4)),
      process.do(take(4)),
      process.do(take(4)),
    ]);
    expect(outcomes).toEqual([
      expect.objectContaining({ answer: expect.objectContaining({ revision: 0, held: 10 }) }),
      expect.objectContaining({ answer: expect.objectContaining({ revision: 1, held: 6 }) }),
      expect.objectContaining({ answer: expect.objectContaining({ revision: 2, held: 2 }) }),
      { refused: 'purse-empty', details: { held: 2 } },
    ]);
    expect(await summary()).toEqual(['Filled 10', 'Taken 4', 'Taken 4']);
    expect(process.store.appends).toBe(1);
  });

  it('are not answered before their append is durable', async () => {
    const store = steered();
    let letThrough!: (fate: SteeredFate) => void;
    store.fate = () => new Promise((resolve) => (letThrough = resolve));
    const process = new Process(store);
    let answered = 0;
    const both = [process.do(fill(1)), process.do(take(5))].map((outcome) => outcome.then(() => answered++));
    await settle();
    expect(answered).toBe(0);
    letThrough('through');
    await Promise.all(both);
    expect(answered).toBe(2);
  });

  it('queue up for the next append while one is in flight', async () => {
    const process = new Process(steered());
    const first = process.do(fill(10));
    await Promise.resolve();
    const rest = Array.from({ length: 5 }, () => process.do(take(1)));
    await Promise.all([first, ...rest]);
    expect(process.store.appends).toBe(2);
  });

  it('are split by the batch bound and by what the store takes in one append', async () => {
    const bounded = new Process(steered(), { batchMax: 2 });
    await Promise.all(Array.from({ length: 5 }, () => bounded.do(fill(1))));
    expect(bounded.store.appends).toBe(3);
    const tight = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000002');
    const process = new Process(new SteeredEventStore(limited(tight, 3)));
    await Promise.all(Array.from({ length: 7 }, () => process.do(fill(1))));
    expect(process.store.appends).toBe(3);
    expect(await tight.readStream('purse-a', { limit: 100 })).toHaveLength(7);
  });

  it('carry who caused them, and the revision of the last event of their type', async () => {
    const process = new Process(steered());
    await process.do(fill(10), 'k1');
    await process.do(take(1, 2), 'k2');
    await process.do(fill(1));
    const metadata = (await log()).map((event) => event.metadata);
    const recordedAt = '2026-03-01T12:00:00.000Z';
    const caused = { $correlationId: 'c', $causationId: 'c', recordedAt };
    const taken = { ...caused, idempotencyKey: 'k2', bodyHash: hashBody(JSON.stringify(take(1, 2))) };
    expect(metadata).toEqual([
      { ...caused, idempotencyKey: 'k1', bodyHash: hashBody(JSON.stringify(fill(10))), previousOfType: null },
      { ...taken, previousOfType: null },
      { ...taken, previousOfType: 1 },
      { ...caused, previousOfType: 0 },
    ]);
    expect(new Set((await log()).map((event) => event.id)).size).toBe(4);
  });

  it('with nothing to do are answered with where the stream is', async () => {
    const process = new Process(steered());
    const filled = (await process.do(fill(3))) as Accepted<Answer>;
    const outcome = await process.do(fill(0));
    expect(outcome).toEqual({ answer: filled.answer, created: false, replayed: false });
  });
});

describe('recordedAt', () => {
  const recorded = async (): Promise<string[]> => (await log()).map(({ metadata }) => metadata.recordedAt);

  it('never goes back in a stream when the wall clock is set back, in one process or another', async () => {
    const [early, late] = [new Process(steered()), new Process(steered())];
    early.nowMs = late.nowMs - 3_600_000;
    await late.do(fill(10));
    await early.do(fill(10));
    late.nowMs -= 7_200_000;
    await late.do(fill(10));
    expect(await recorded()).toEqual(Array.from({ length: 3 }, () => '2026-03-01T12:00:00.000Z'));
    early.nowMs = Date.UTC(2026, 2, 1, 12, 0, 1);
    await early.do(fill(10));
    expect((await recorded()).at(-1)).toBe('2026-03-01T12:00:01.000Z');
  });

  it('never goes back after a start from a snapshot', async () => {
    const before = new Process(steered(), { snapshotEveryEvents: 2 });
    for (let i = 0; i < 6; i++) await before.do(fill(1));
    const after = new Process(steered(), { snapshotEveryEvents: 2 });
    after.nowMs -= 1;
    await after.do(fill(1));
    expect((await recorded()).at(-1)).toBe('2026-03-01T12:00:00.000Z');
  });
});

describe('a refusal', () => {
  it('is held against the fresh tail before it is answered', async () => {
    const [here, there] = [new Process(steered()), new Process(steered())];
    await here.do(fill(1));
    await there.do(fill(9));
    expect(await here.do(take(10))).toEqual(
      expect.objectContaining({ answer: expect.objectContaining({ held: 0, revision: 2 }) }),
    );
  });

  it('leaves its key free', async () => {
    const process = new Process(steered());
    expect(await process.do(take(1), 'k')).toEqual({ refused: 'purse-empty', details: { held: 0 } });
    await process.do(fill(1));
    expect(await process.do(take(1), 'k')).toEqual(expect.objectContaining({ replayed: false }));
  });

  it('of a stream that is absent is not remembered', async () => {
    const [here, there] = [new Process(steered()), new Process(steered())];
    expect(await here.do(take(1))).toHaveProperty('refused');
    expect(here.commands.shelf.size).toBe(0);
    await there.do(fill(1));
    expect(await here.do(take(1))).toHaveProperty('answer');
  });
});

describe('a conflict', () => {
  it('makes all commands of the batch decide again', async () => {
    const [here, there] = [new Process(steered()), new Process(steered())];
    await here.do(fill(5));
    await there.do(take(4));
    const outcomes = await Promise.all([here.do(take(1)), here.do(take(1))]);
    expect(outcomes).toEqual([
      expect.objectContaining({ answer: expect.objectContaining({ held: 0 }) }),
      { refused: 'purse-empty', details: { held: 0 } },
    ]);
    expect(await summary()).toEqual(['Filled 5', 'Taken 4', 'Taken 1']);
  });

  it('is given up after so many', async () => {
    const store = steered();
    const process = new Process(store, { conflictRetriesMax: 3 });
    await process.do(fill(1));
    let others = 0;
    store.fate = async ({ expected }): Promise<SteeredFate> => {
      await inner.append('purse-a', [event(`other-${others++}`)], expected);
      return 'through';
    };
    await expect(process.do(take(1))).rejects.toMatchObject({ name: 'CommandError', code: 'contention' });
    expect(others).toBe(4);
  });

  it('lets exactly one of two processes have the last coin, over and over', async () => {
    const all = [new Process(steered()), new Process(steered())];
    await all[0]!.do(fill(20));
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => all[i % 2]!.do(take(1), `k-${i}`).catch((error: unknown) => error)),
    );
    expect(outcomes.filter((outcome) => 'answer' in (outcome as object))).toHaveLength(20);
    expect((await log()).map((e) => (e.data as { held: number }).held).every((held) => held >= 0)).toBe(true);
    expect(await log()).toHaveLength(21);
  });
});

describe('an unknown outcome', () => {
  it.each<[SteeredFate]>([['lost'], ['unheard']])('%s: a command with a key is there once', async (fate) => {
    const process = new Process(steered());
    await process.do(fill(10), 'k0');
    fates(process.store, fate);
    const outcomes = await Promise.all([process.do(take(1), 'k1'), process.do(take(2), 'k2')]);
    expect(outcomes.map((outcome) => (outcome as Accepted<Answer>).answer.held)).toEqual([9, 7]);
    expect(await summary()).toEqual(['Filled 10', 'Taken 1', 'Taken 2']);
  });

  it.each<[SteeredFate]>([['lost'], ['unheard']])('%s: a command without a key is not tried again', async (fate) => {
    const process = new Process(steered());
    await process.do(fill(10), 'k0');
    fates(process.store, fate);
    const [keyless, keyed] = await Promise.allSettled([process.do(take(1)), process.do(take(2), 'k2')]);
    expect(keyless).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(keyed).toMatchObject({ status: 'fulfilled' });
    expect(await summary()).toEqual(fate === 'lost' ? ['Filled 10', 'Taken 2'] : ['Filled 10', 'Taken 1', 'Taken 2']);
  });

  it('that lands late changes nothing twice', async () => {
    const process = new Process(steered());
    await process.do(fill(10), 'k0');
    let late: readonly NewEvent[] = [];
    process.store.fate = async ({ events, expected }): Promise<SteeredFate> => {
      if (late.length === 0) {
        late = events;
        return 'lost';
      }
      process.store.fate = () => 'through';
      await inner.append('purse-a', late, expected);
      return 'through';
    };
    const outcome = await process.do(take(3), 'k1');
    expect(outcome).toMatchObject({ replayed: true, answer: { held: 7, revision: 1 } });
    expect(await summary()).toEqual(['Filled 10', 'Taken 3']);
  });
});

describe('a store that fails', () => {
  it.each<[SteeredFate, string]>([
    ['unavailable', 'unavailable'],
    ['overloaded', 'overloaded'],
  ])('%s on append: so says the command, and works again later', async (fate, code) => {
    const process = new Process(steered());
    await process.do(fill(10));
    fates(process.store, fate);
    await expect(process.do(take(1))).rejects.toMatchObject({ name: 'CommandError', code });
    expect(await process.do(take(1))).toMatchObject({ answer: { held: 9 } });
  });

  it('on reading: so says the command', async () => {
    const process = new Process(steered());
    process.store.readsFail = true;
    await expect(process.do(fill(1))).rejects.toMatchObject({ code: 'unavailable' });
    process.store.readsFail = false;
    expect(await process.do(fill(1))).toHaveProperty('answer');
  });
});

describe('an idempotency key', () => {
  it('answers the same again, of several events the same, and changes nothing', async () => {
    const process = new Process(steered());
    await process.do(fill(10), 'k0');
    const first = (await process.do(take(2, 3), 'k1')) as Accepted<Answer>;
    await process.do(take(1), 'k2');
    expect(await process.do(take(2, 3), 'k1')).toEqual({ ...first, replayed: true });
    expect(await log()).toHaveLength(5);
  });

  it('is refused with another body, also while the first is under way', async () => {
    const process = new Process(steered());
    const outcomes = await Promise.all([process.do(fill(1), 'k'), process.do(fill(1), 'k'), process.do(fill(2), 'k')]);
    expect(outcomes).toMatchObject([{ replayed: false }, { replayed: true }, { refused: 'idempotency-key-reused' }]);
    expect(await process.do(fill(2), 'k')).toEqual({ refused: 'idempotency-key-reused' });
    expect(await log()).toHaveLength(1);
  });

  it('is remembered also where there was nothing to do', async () => {
    const [here, there] = [new Process(steered()), new Process(steered())];
    await here.do(fill(10));
    const first = (await here.do(fill(0), 'k')) as Accepted<Answer>;
    expect(first).toMatchObject({ replayed: false, answer: { held: 10, revision: 1 } });
    await here.do(take(4));
    for (const process of [here, there]) {
      expect(await process.do(fill(0), 'k')).toEqual({ ...first, replayed: true });
      expect(await process.do(fill(1), 'k')).toEqual({ refused: 'idempotency-key-reused' });
    }
    expect(await summary()).toEqual(['Filled 10', 'Confirmed 0', 'Taken 4']);
  });

  it('belongs to its stream', async () => {
    const process = new Process(steered());
    await process.do(fill(1), 'k', 'purse-a');
    expect(await process.do(fill(2), 'k', 'purse-b')).toMatchObject({ replayed: false });
  });

  it('is honoured by another process, and after a restart', async () => {
    const here = new Process(steered());
    const first = (await here.do(fill(10), 'k')) as Accepted<Answer>;
    expect(await new Process(steered()).do(fill(10), 'k')).toEqual({ ...first, replayed: true });
    const there = new Process(steered());
    await there.do(fill(1), 'k-there');
    expect(await here.do(fill(1), 'k-there')).toMatchObject({ replayed: true, answer: { held: 11 } });
  });

  it('at two processes at once acts once', async () => {
    const [here, there] = [new Process(steered()), new Process(steered())];
    await here.do(fill(10));
    await there.do(fill(10));
    const outcomes = await Promise.all([here.do(take(1), 'k'), there.do(take(1), 'k')]);
    expect(outcomes.map((outcome) => (outcome as Accepted<Answer>).replayed).toSorted(falseFirst)).toEqual([
      false,
      true,
    ]);
    expect(await summary()).toEqual(['Filled 10', 'Filled 10', 'Taken 1']);
  });

  it('is not forgotten by a snapshot', async () => {
    const process = new Process(steered(), { snapshotEveryEvents: 10 });
    for (let i = 0; i < 35; i++) await process.do(fill(i + 1), `k-${i}`);
    await settle();
    expect((await inner.loadSnapshot('commands-purse-a'))?.revision).toBe(29);
    const restarted = new Process(steered());
    for (let i = 0; i < 35; i++) {
      expect(await restarted.do(fill(i + 1), `k-${i}`)).toMatchObject({ replayed: true, answer: { revision: i } });
      expect(await restarted.do(fill(i + 2), `k-${i}`)).toEqual({ refused: 'idempotency-key-reused' });
    }
    expect(await log()).toHaveLength(35);
  });
});

describe('loading', () => {
  it('reads a bounded number of events of a stream with 100,000', async () => {
    const total = 100_000;
    const process = new Process(steered());
    const step = 2_000;
    for (let i = 0; i < total; i += step) {
      await Promise.all(Array.from({ length: step }, (_, k) => process.do(fill(1), `k-${i + k}`)));
    }
    await settle();
    const restarted = new Process(steered());
    expect(await restarted.do(take(1))).toMatchObject({ answer: { revision: total, held: total - 1 } });
    expect(restarted.store.eventsRead).toBeLessThanOrEqual(KEYS_REMEMBERED_MIN / 8 + 2 * 256);
    const remembered = total - KEYS_REMEMBERED_MIN;
    expect(await restarted.do(fill(1), `k-${remembered}`)).toMatchObject({ replayed: true });
    expect(await restarted.do(fill(1), `k-${total - 1}`)).toMatchObject({ replayed: true });
  }, 60_000);

  it('drops a snapshot of another state version, and one that is not of this stream', async () => {
    const process = new Process(steered(), { snapshotEveryEvents: 2 });
    for (let i = 0; i < 5; i++) await process.do(fill(1));
    await settle();
    const other = new Process(steered(), {}, 2);
    expect(await other.do(fill(1))).toMatchObject({ answer: { held: 6 } });
    expect(other.store.eventsRead).toBe(5);
    const snapshot = (await inner.loadSnapshot('commands-purse-a'))!;
    await inner.saveSnapshot('commands-purse-a', { ...snapshot, revision: 99 });
    const beyond = new Process(steered());
    expect(await beyond.do(fill(1))).toMatchObject({ answer: { held: 7, revision: 6 } });
  });

  it('happens once while the stream stays in the cache, which is bounded', async () => {
    const process = new Process(steered(), { streamsCachedMax: 2 });
    for (const stream of ['a', 'b', 'c', 'c', 'b']) await process.do(fill(1), null, stream);
    expect(process.commands.shelf.size).toBe(2);
    expect(process.store.eventsRead).toBe(0);
    await process.do(fill(1), null, 'a');
    expect(process.store.eventsRead).toBe(1);
  });

  it('is bounded in keys as well', async () => {
    const process = new Process(steered(), { keysCachedMax: 10 });
    for (let i = 0; i < 8; i++) await process.do(fill(1), `k-${i}`, 'a');
    for (let i = 0; i < 8; i++) await process.do(fill(1), `k-${i}`, 'b');
    expect(process.commands.shelf.size).toBe(1);
  });
});

describe('overload', () => {
  it('is refused rather than queued', async () => {
    const store = steered();
    let letThrough!: (fate: SteeredFate) => void;
    store.fate = () => new Promise((resolve) => (letThrough = resolve));
    const process = new Process(store, { queueLengthMax: 2 });
    const first = process.do(fill(1));
    await settle();
    const waiting = [process.do(fill(1)), process.do(fill(1))];
    await expect(process.do(fill(1))).rejects.toMatchObject({ code: 'overloaded' });
    store.fate = () => 'through';
    letThrough('through');
    await Promise.all([first, ...waiting]);
    expect(await log()).toHaveLength(3);
  });
});

describe('stopping', () => {
  it('waits for what is under way and takes nothing new', async () => {
    const process = new Process(steered());
    const first = process.do(fill(1));
    const stopped = process.commands.stop();
    await expect(process.do(fill(1))).rejects.toMatchObject({ code: 'unavailable' });
    await stopped;
    expect(await first).toHaveProperty('answer');
    expect(await log()).toHaveLength(1);
  });
});

const falseFirst = (a: boolean, b: boolean): number => Number(a) - Number(b);

/** Until everything that can happen without time passing has happened. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function event(id: string): NewEvent {
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
  return { id, type: 'Filled', schemaVersion: 1, data: { amount: 1, held: 1 }, metadata };
}

/** The same store, which takes fewer events in one append. */
function limited(store: InMemoryEventStore, appendEventsMax: number): InMemoryEventStore {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'appendEventsMax') return appendEventsMax;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
