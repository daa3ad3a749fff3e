import { silentTelemetry, type NewEvent, type Position, type Scheduler } from '@livegift/kernel';
import type { SharedWork } from '@livegift/lease';
import {
  partitionOf,
  ReadModelError,
  type ReadModel,
  type ReadModelBatch,
  type ReadModelSubject,
} from '@livegift/read-model';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { InMemoryEventStore, PartitionedReadModel } from '@livegift/testing';
import { LANES_MAX } from './lane.js';
import { Projector } from './projector.js';

const AT = '2026-05-01T12:00:00.000Z';
const PARTITIONS = 4;
/** One viewer for each partition. */
const VIEWERS = Array.from({ length: PARTITIONS }, (_, partition) => idIn(partition, (wallet) => ({ wallet })));
/** In turns; the rest of partitions is over by then. */
const LONG = 200;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What waits, waits no longer than some turns, the longer the longer. */
const hasty: Scheduler = {
  after: (delayMs, task) => {
    let turns = delayMs;
    let timer = setImmediate(function wait() {
      if (turns-- > 0) timer = setImmediate(wait);
      else task();
    });
    return { cancel: () => clearImmediate(timer) };
  },
};

function idIn(partition: number, subject: (id: string) => ReadModelSubject): string {
  for (let n = 0; ; n++) if (partitionOf(subject(`v${n}`), PARTITIONS) === partition) return `v${n}`;
}

/** Work that is shared by hand. */
class HandShared implements SharedWork {
  readonly partCount = PARTITIONS;
  #parts: ReadonlySet<number>;
  #listener: (parts: ReadonlySet<number>) => void = () => {};
  isAgreedOn = true;

  constructor(...parts: readonly number[]) {
    this.#parts = new Set(parts);
  }

  parts(): ReadonlySet<number> {
    return this.#parts;
  }

  isAgreed(): boolean {
    return this.isAgreedOn;
  }

  onChange(listener: (parts: ReadonlySet<number>) => void): void {
    this.#listener = listener;
  }

  start(): void {}

  async stop(): Promise<void> {
    this.become();
  }

  become(...parts: readonly number[]): void {
    this.#parts = new Set(parts);
    this.#listener(this.#parts);
  }
}

describe('a projector of some partitions', () => {
  let store: InMemoryEventStore;
  let readModel: ReadModel;
  let running: Projector[];
  let spent: number;

  beforeEach(async () => {
    store = new InMemoryEventStore('store-a');
    readModel = new PartitionedReadModel(Array.from({ length: PARTITIONS }, () => createMemoryReadModel()));
    running = [];
    spent = 0;
    for (const viewerId of VIEWERS) await append(viewerId, 'WalletOpened', { region: 'DE', ageAssured: true });
    await buyOneEach();
  });

  afterEach(() => Promise.all(running.map((projector) => projector.stop())));

  async function append(viewerId: string, type: string, data: object): Promise<Position> {
    const stream = `wallet-${viewerId}`;
    const [last] = await store.readStream(stream, { direction: 'backwards', limit: 1 });
    const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: AT };
    const fields = { viewerId, imported: false, occurredAt: AT, ...data };
    const event: NewEvent = { id: 'e', type, schemaVersion: 1, data: fields, metadata };
    return (await store.append(stream, [event], last?.revision ?? 'no-stream')).positions[0]!;
  }

  async function buyOneEach(): Promise<Position> {
    spent++;
    let last: Position | null = null;
    for (const viewerId of VIEWERS) {
      const bought = { purchaseId: 'p', price: null, provider: 'import', paymentId: 'p', balance: spent };
      last = await append(viewerId, 'CoinsPurchased', { ...bought, coins: 1 });
    }
    return last!;
  }

  function project(work: SharedWork, model = readModel): Projector {
    const projector = new Projector({
      store,
      readModel: model,
      work,
      clock: { now: () => Number.MAX_SAFE_INTEGER, elapsedMs: () => 0 },
      scheduler: hasty,
      telemetry: silentTelemetry,
      config: { batchEventsMax: 2, backOffFirstMs: 1, backOffMaxMs: 8, lookEveryMs: 50 },
    });
    running.push(projector);
    projector.start();
    return projector;
  }

  /** With some methods replaced. */
  function changed(methods: Partial<ReadModel>): ReadModel {
    return new Proxy(readModel, {
      get(target, name) {
        const value: unknown = (methods as Record<PropertyKey, unknown>)[name] ?? Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  const positionOf = async (partition: number): Promise<Position | null> =>
    (await readModel.checkpoint(partition))?.position ?? null;

  async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) await turn();
  }

  const reached = (position: Position, ...partitions: readonly number[]): Promise<void> =>
    until(async () => (await Promise.all(partitions.map(positionOf))).every((at) => at !== null && at >= position));

  async function expectAllCounted(): Promise<void> {
    for (const viewerId of VIEWERS) {
      expect((await readModel.wallet(viewerId))?.row).toMatchObject({ coins: spent, purchasedCoins: spent });
    }
  }

  it('is not ready before it has heard what its share is, and is with none of it', async () => {
    const work = new HandShared();
    work.isAgreedOn = false;
    const projector = project(work);
    await turn();
    expect(projector.state()).toMatchObject({ phase: 'starting', ready: false, partitions: 0 });
    work.isAgreedOn = true;
    expect(projector.state()).toMatchObject({ phase: 'live', ready: true, partitions: 0 });
  });

  it('works on its own and leaves the others alone', async () => {
    const projector = project(new HandShared(1, 3));
    await until(() => projector.state().ready);
    const head = await buyOneEach();
    await reached(head, 1, 3);
    expect(projector.state()).toMatchObject({ phase: 'live', partitions: 2, position: head });
    expect([await positionOf(0), await positionOf(2)]).toEqual([null, null]);
    await expect(readModel.wallet(VIEWERS[0]!)).rejects.toMatchObject({ code: 'rebuilding' });
    expect((await readModel.wallet(VIEWERS[1]!))?.row.coins).toBe(2);
  });

  it('moves at once what an event writes to, and the others once they have rested', async () => {
    const applied: ReadModelBatch[] = [];
    const apply = (batch: ReadModelBatch): ReturnType<ReadModel['apply']> => {
      applied.push(batch);
      return readModel.apply(batch);
    };
    const projector = project(new HandShared(0, 1, 2, 3), changed({ apply }));
    await until(() => projector.state().ready);
    for (let turns = 0; turns < LONG; turns++) await turn();
    applied.length = 0;
    const opened = await append(VIEWERS[1]!, 'WalletOpened', { region: 'DE', ageAssured: true });
    await reached(opened, 1);
    expect(applied.map(({ partition }) => partition)).toEqual([1]);
    await reached(opened, 0, 1, 2, 3);
    expect(applied.map(({ partition }) => partition)).toEqual([1, 0, 2, 3]);
    expect(projector.state()).toMatchObject({ phase: 'live', position: opened });
  });

  it('tells those that rested of the time of the gifts that they rested through, so that all cut alike', async () => {
    const heard = new Map<number, number>();
    const apply = (batch: ReadModelBatch): ReturnType<ReadModel['apply']> => {
      const { partition, newestRecordedMs } = batch;
      if (newestRecordedMs !== null) heard.set(partition, Math.max(newestRecordedMs, heard.get(partition) ?? 0));
      return readModel.apply(batch);
    };
    const projector = project(new HandShared(0, 1, 2, 3), changed({ apply }));
    await until(() => projector.state().ready);
    const viewerId = VIEWERS[1]!;
    const creatorId = idIn(1, (creator) => ({ creator }));
    const roomId = idIn(1, (room) => ({ room }));
    const gift = { giftId: `${viewerId}.9`, creatorId, roomId, coins: 0, diamonds: 0, balance: spent, sender: null };
    for (let turns = 0; turns < LONG; turns++) await turn();
    const sent = await append(viewerId, 'GiftSent', gift);
    await reached(sent, 1);
    expect([await positionOf(2), await positionOf(3)]).not.toContain(sent);
    // An older one, from history, takes nothing back.
    const late = await append(viewerId, 'GiftSent', { ...gift, occurredAt: '2016-07-01T00:00:00.000Z' });
    await reached(late, 1);
    expect([await positionOf(2), await positionOf(3)]).not.toContain(late);
    await reached(late, 0, 1, 2, 3);
    expect([...heard.values()]).toEqual(VIEWERS.map(() => Date.parse(AT)));
  });

  it('holds nothing, and is ready all the same', async () => {
    const projector = project(new HandShared());
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(projector.state()).toEqual({
      phase: 'live',
      ready: true,
      position: null,
      partitions: 0,
      built: 0,
      reason: null,
    });
    expect(await positionOf(0)).toBeNull();
  });

  it('takes over the partitions of one that died, and gives them up when it is back', async () => {
    const [first, second] = [new HandShared(0, 1), new HandShared(2, 3)];
    const one = project(first);
    const two = project(second);
    await until(() => one.state().ready && two.state().ready);
    await one.stop();
    const missed = await buyOneEach();
    await reached(missed, 2, 3);
    second.become(0, 1, 2, 3);
    await reached(missed, 0, 1, 2, 3);
    await until(() => two.state().ready);
    const back = new HandShared(0, 1);
    second.become(2, 3);
    const before = await buyOneEach();
    await reached(before, 2, 3);
    expect(await positionOf(0)).toBe(missed);
    project(back);
    await reached(before, 0, 1);
    await expectAllCounted();
  });

  it('counts once when two believe in the same partitions', async () => {
    project(new HandShared(0, 1, 2));
    project(new HandShared(1, 2, 3));
    for (let round = 0; round < 20; round++) await buyOneEach();
    await reached((await store.head())!, 0, 1, 2, 3);
    await until(() => running.every((projector) => projector.state().ready));
    await expectAllCounted();
  });

  it('goes on from what is stored when a partition comes back empty while the log is quiet, and says so until then', async () => {
    const projector = project(new HandShared(0, 1, 2, 3));
    await until(() => projector.state().ready);
    await readModel.drop(2);
    await expect(readModel.wallet(VIEWERS[2]!)).rejects.toMatchObject({ code: 'rebuilding' });
    await reached((await store.head())!, 2);
    await until(() => projector.state().ready);
    await expectAllCounted();
  });

  it('answers nothing of a partition that fell back under it before that has caught up again', async () => {
    let batchesLeft = Infinity;
    let goOn = (): void => {};
    const apply = async (batch: ReadModelBatch): ReturnType<ReadModel['apply']> => {
      if (batch.partition === 2 && batchesLeft-- <= 0) await new Promise<void>((resolve) => (goOn = resolve));
      return readModel.apply(batch);
    };
    const projector = project(new HandShared(0, 1, 2, 3), changed({ apply }));
    for (let round = 0; round < 10; round++) await buyOneEach();
    await until(async () => projector.state().ready && projector.state().position === (await store.head()));
    await readModel.drop(2);
    // One that is refused, and one of those that build it again.
    batchesLeft = 2;
    const head = await buyOneEach();
    for (let turns = 0; turns < LONG; turns++) await turn();
    expect(await positionOf(2)).not.toBeNull();
    expect(projector.state()).toMatchObject({ phase: 'catching-up', ready: false });
    await expect(readModel.wallet(VIEWERS[2]!)).rejects.toMatchObject({ code: 'rebuilding' });
    batchesLeft = Infinity;
    goOn();
    await reached(head, 2);
    await until(() => projector.state().ready);
    await expectAllCounted();
  });

  it('does not hold up the others for one that is far behind', async () => {
    const projector = project(new HandShared(0, 1, 2, 3));
    for (let round = 0; round < 100; round++) await buyOneEach();
    await until(async () => projector.state().ready && projector.state().position === (await store.head()));
    const old = (await store.head())!;
    await readModel.drop(2);
    await until(async () => (await positionOf(2)) !== null);
    const fresh = await buyOneEach();
    await reached(fresh, 0, 1, 3);
    expect((await positionOf(2))! < old).toBe(true);
    await reached(fresh, 2);
    await until(() => projector.state().ready);
    await expectAllCounted();
  });

  it('reads for more partitions far apart than it has lanes, and loses none of them', async () => {
    const work = new HandShared(0);
    const projector = project(work);
    for (let partition = 1; partition < PARTITIONS; partition++) {
      await until(() => projector.state().ready);
      await buyOneEach();
      await reached((await store.head())!, 0);
      const other = project(new HandShared(partition));
      await until(() => other.state().ready);
      await other.stop();
      await buyOneEach();
    }
    expect(PARTITIONS).toBeGreaterThan(LANES_MAX);
    work.become(0, 1, 2, 3);
    await reached((await store.head())!, 0, 1, 2, 3);
    await until(() => projector.state().ready);
    await expectAllCounted();
  });

  it('goes on with the others while the server of one is away', async () => {
    let isAway = false;
    const reach = <Answer>(partition: number, ask: () => Promise<Answer>): Promise<Answer> =>
      isAway && partition === 1 ? Promise.reject(new ReadModelError('unavailable', 'away')) : ask();
    const partly = changed({
      checkpoint: (partition) => reach(partition, () => readModel.checkpoint(partition)),
      markBuilt: (partition, at) => reach(partition, () => readModel.markBuilt(partition, at)),
      apply: (batch: ReadModelBatch) => reach(batch.partition, () => readModel.apply(batch)),
    });
    const projector = project(new HandShared(0, 1, 2, 3), partly);
    await until(() => projector.state().ready);
    isAway = true;
    for (let round = 0; round < 5; round++) await reached(await buyOneEach(), 0, 2, 3);
    expect(projector.state()).toMatchObject({ phase: 'waiting', reason: 'away' });
    isAway = false;
    await reached((await store.head())!, 1);
    await until(() => projector.state().phase === 'live');
    await expectAllCounted();
  });
});
