// Longer than most: all promises of one small runner.
import { EventStoreError, type SubscriptionBatch } from '@livegift/event-store';
import {
  silentTelemetry,
  type Cancellable,
  type Checkpoint,
  type NewEvent,
  type Position,
  type Scheduler,
} from '@livegift/kernel';
import { InMemoryEventStore } from '@livegift/testing';
import { runConsumer, type Consumer, type ConsumerParts } from './consumer.js';

/** Time that moves only by hand. */
class HandDrivenScheduler implements Scheduler {
  readonly waiting: { delayMs: number; task: () => void }[] = [];

  after(delayMs: number, task: () => void): Cancellable {
    const entry = { delayMs, task };
    this.waiting.push(entry);
    return { cancel: () => void this.waiting.splice(this.waiting.indexOf(entry), 1) };
  }

  /** Runs the one task that waits; its delay. */
  fire(): number {
    expect(this.waiting).toHaveLength(1);
    const { delayMs, task } = this.waiting.shift()!;
    task();
    return delayMs;
  }
}

/** Until everything that can happen without time passing has happened. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const STORE_ID = 'b7a1b1c5-0000-4000-8000-000000000001';
let store: InMemoryEventStore;
let scheduler: HandDrivenScheduler;
let seen: string[];
let running: Consumer[];

beforeEach(() => {
  store = new InMemoryEventStore(STORE_ID);
  scheduler = new HandDrivenScheduler();
  seen = [];
  running = [];
});
afterEach(() => Promise.all(running.map((consumer) => consumer.stop())));

let ids = 0;
async function append(...types: string[]): Promise<void> {
  const recordedAt = '2026-03-01T12:00:00.000Z';
  const events = types.map((type): NewEvent => ({
    id: `id-${++ids}`,
    type,
    schemaVersion: 1,
    data: {},
    metadata: { $correlationId: 'c', $causationId: 'c', recordedAt },
  }));
  await store.append(`s-${ids}`, events, 'no-stream');
}

const note = async (batch: SubscriptionBatch): Promise<void> => {
  seen.push(...batch.events.map((event) => event.type));
};

function run(parts: Partial<ConsumerParts> = {}): Consumer {
  const consumer = runConsumer({
    name: 'test-consumer',
    store,
    start: null,
    handle: note,
    scheduler,
    telemetry: silentTelemetry,
    backoff: { firstMs: 10, factor: 2, maxMs: 50 },
    ...parts,
  });
  running.push(consumer);
  return consumer;
}

const checkpoint = (n: number, storeId = STORE_ID): Checkpoint => ({
  storeId,
  position: String(n).padStart(16, '0') as Position,
});

describe('a consumer', () => {
  it('hands over what is there, then what comes, and says how far it is', async () => {
    await append('A', 'B');
    const consumer = run();
    expect(consumer.state()).toEqual({ position: null, caughtUp: false, failing: null, needsRebuild: false });
    await settle();
    await append('C');
    await settle();
    expect(seen).toEqual(['A', 'B', 'C']);
    expect(consumer.state()).toEqual({
      position: checkpoint(3).position,
      caughtUp: true,
      failing: null,
      needsRebuild: false,
    });
  });

  it('begins after its checkpoint and takes its types only', async () => {
    await append('A', 'B', 'A', 'B', 'A');
    const consumer = run({ start: checkpoint(2), types: ['A'] });
    await settle();
    expect(seen).toEqual(['A', 'A']);
    expect(consumer.state().position).toBe(checkpoint(5).position);
  });

  it('says caught up only when it is', async () => {
    await append('A', 'B', 'C');
    const states: boolean[] = [];
    const consumer: Consumer = run({
      batchEventsMax: 1,
      handle: async (batch) => {
        states.push(consumer.state().caughtUp);
        await note(batch);
      },
    });
    await settle();
    expect(states).toEqual([false, false, false]);
    expect(consumer.state().caughtUp).toBe(true);
  });

  it('pauses after each batch that reached the end, and takes what came meanwhile as one', async () => {
    const sizes: number[] = [];
    const handle = async ({ events }: SubscriptionBatch): Promise<void> => void sizes.push(events.length);
    await append('A', 'B', 'C');
    run({ handle, batchEventsMax: 2, pauseMs: 50 });
    await settle();
    expect(sizes).toEqual([2, 1]);
    await append('D');
    await append('E');
    await settle();
    expect(sizes).toEqual([2, 1]);
    expect(scheduler.fire()).toBe(50);
    await settle();
    expect(sizes).toEqual([2, 1, 2]);
  });

  it('sees a batch again whose handling failed, after longer and longer delays, up to the bound', async () => {
    await append('A', 'B');
    let broken = true;
    const consumer = run({
      batchEventsMax: 1,
      handle: async (batch) => {
        if (broken && batch.events[0]?.type === 'B') throw new Error('disk full');
        await note(batch);
      },
    });
    const delays: number[] = [];
    for (let i = 0; i < 5; i++) {
      await settle();
      expect(consumer.state()).toMatchObject({
        failing: 'disk full',
        caughtUp: false,
        position: checkpoint(1).position,
      });
      delays.push(scheduler.fire());
    }
    expect(delays).toEqual([10, 20, 40, 50, 50]);
    await settle();
    broken = false;
    scheduler.fire();
    await settle();
    expect(seen).toEqual(['A', 'B']);
    expect(consumer.state()).toMatchObject({ failing: null, caughtUp: true });
  });

  it('begins with the short delay again once something went well', async () => {
    await append('A', 'B', 'C');
    let failures = 2;
    run({
      batchEventsMax: 1,
      handle: async (batch) => {
        const type = batch.events[0]?.type;
        if (type !== 'B' && failures-- > 0) throw new Error('no');
        if (type === 'B') failures = 1;
        await note(batch);
      },
    });
    await settle();
    expect(scheduler.fire()).toBe(10);
    await settle();
    expect(scheduler.fire()).toBe(20);
    await settle();
    expect(scheduler.fire()).toBe(10);
    await settle();
    expect(seen).toEqual(['A', 'B', 'C']);
  });

  it('waits for a store that is away, and subscribes again when it comes back', async () => {
    await append('A');
    let away = true;
    const flaky: ConsumerParts['store'] = {
      storeId: STORE_ID,
      subscribe: (options) =>
        away ? Promise.reject(new EventStoreError('unavailable', 'away')) : store.subscribe(options),
    };
    const consumer = run({ store: flaky });
    await settle();
    expect(consumer.state().failing).toBe('away');
    away = false;
    scheduler.fire();
    await settle();
    expect(seen).toEqual(['A']);
  });

  it('asks for its checkpoint anew before each subscription when that is a function', async () => {
    await append('A', 'B', 'C');
    const starts = [checkpoint(2), checkpoint(1)];
    let broken = true;
    run({
      start: async () => starts.shift()!,
      handle: async (batch) => {
        if (broken) throw new Error('stored elsewhere');
        await note(batch);
      },
    });
    await settle();
    broken = false;
    scheduler.fire();
    await settle();
    expect(seen).toEqual(['B', 'C']);
  });

  it.each([
    ['of another store', checkpoint(1, 'b7a1b1c5-0000-4000-8000-000000000002')],
    ['beyond the end of the log', checkpoint(9)],
  ])('stops for good when its checkpoint is %s', async (_what, start) => {
    await append('A');
    const errors: string[] = [];
    const consumer = run({ start, telemetry: { ...silentTelemetry, error: (message) => errors.push(message) } });
    await consumer.stopped;
    expect(seen).toEqual([]);
    expect(scheduler.waiting).toEqual([]);
    expect(consumer.state()).toMatchObject({ needsRebuild: true, caughtUp: false });
    expect(errors).toEqual([expect.stringContaining('rebuild')]);
  });
});

describe('stopping a consumer', () => {
  it('lets the batch in hand finish, and takes no other', async () => {
    await append('A', 'B');
    let finish = (): void => {};
    const consumer = run({
      batchEventsMax: 1,
      handle: async (batch) => {
        await new Promise<void>((resolve) => (finish = resolve));
        await note(batch);
      },
    });
    await settle();
    let stopped = false;
    void consumer.stop().then(() => (stopped = true));
    await settle();
    expect(stopped).toBe(false);
    finish();
    await settle();
    expect(stopped).toBe(true);
    expect(seen).toEqual(['A']);
    expect(consumer.state().position).toBe(checkpoint(1).position);
  });

  it('ends it while it waits for events', async () => {
    const consumer = run();
    await settle();
    await consumer.stop();
    await append('A');
    await settle();
    expect(seen).toEqual([]);
  });

  it('ends it while it backs off', async () => {
    await append('A');
    const consumer = run({ handle: () => Promise.reject(new Error('no')) });
    await settle();
    await consumer.stop();
    expect(scheduler.waiting).toEqual([]);
  });

  it('ends it while it pauses', async () => {
    await append('A');
    const consumer = run({ pauseMs: 3_600_000 });
    await settle();
    await consumer.stop();
    expect(seen).toEqual(['A']);
    expect(scheduler.waiting).toEqual([]);
  });

  it('ends it while it subscribes, and lets go of the subscription', async () => {
    let subscribed = (): void => {};
    let closed = false;
    const slow: ConsumerParts['store'] = {
      storeId: STORE_ID,
      subscribe: async (options) => {
        await new Promise<void>((resolve) => (subscribed = resolve));
        const subscription = await store.subscribe(options);
        return { next: () => subscription.next(), close: () => ((closed = true), subscription.close()) };
      },
    };
    const consumer = run({ store: slow });
    await settle();
    const stopped = consumer.stop();
    subscribed();
    await stopped;
    expect(closed).toBe(true);
  });
});
