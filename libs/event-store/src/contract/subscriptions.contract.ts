/// <reference types="jest" />
import type { Checkpoint, Position, RecordedEvent } from '@livegift/kernel';
import type { SubscribeOptions, Subscription } from '../event-store.js';
import { ContractContext, codeOf, pull, type OpenEventStoreHarness } from './harness.js';

export function describeSubscriptions(open: OpenEventStoreHarness): void {
  describe('subscriptions', () => {
    const given = ContractContext.forTopic(open);
    const subscriptions: Subscription[] = [];

    beforeAll(async () => {
      await given.store.append(given.fresh('first'), given.events(1), 'no-stream');
    });
    afterEach(() => {
      for (const subscription of subscriptions.splice(0)) subscription.close();
    });

    const subscribe = async (options: SubscribeOptions): Promise<Subscription> => {
      const subscription = await given.store.subscribe(options);
      subscriptions.push(subscription);
      return subscription;
    };
    /** A subscription that has just said that it is caught up. */
    const live = async (options: Partial<SubscribeOptions> = {}): Promise<Subscription> => {
      const subscription = await subscribe({ after: await given.headOrNull(), ...options });
      while (!(await subscription.next())!.caughtUp);
      return subscription;
    };

    it('delivers the whole log from null, in order, as reads have it', async () => {
      const stream = given.fresh('whole');
      await given.store.append(stream, given.events(25), 'no-stream');
      const head = (await given.store.head())!;
      const subscription = await subscribe({ after: null, batchEventsMax: 10 });
      const delivered: RecordedEvent[] = [];
      for (let through: string | null = null; through === null || through < head;) {
        const batch = (await subscription.next())!;
        delivered.push(...batch.events);
        through = batch.through;
      }
      const positions = delivered.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      const own = delivered.filter((event) => event.stream === stream);
      expect(own).toEqual(await given.store.readStream(stream, { limit: 100 }));
    });

    it('delivers after a checkpoint, without the event there', async () => {
      const stream = given.fresh('after');
      const { positions } = await given.store.append(stream, given.events(6), 'no-stream');
      const subscription = await subscribe({ after: { storeId: given.store.storeId, position: positions[2]! } });
      const events = await pull(subscription, new Set([stream]), 3);
      expect(events.map(({ position }) => position)).toEqual(positions.slice(3));
    });

    it('says caught up once while nothing comes, and again with what comes', async () => {
      const subscription = await subscribe({ after: await given.headOrNull() });
      const first = await subscription.next();
      expect(first).toMatchObject({ events: [], caughtUp: true, through: await given.store.head() });
      const next = subscription.next();
      const stream = given.fresh('news');
      const { positions } = await given.store.append(stream, given.events(1), 'no-stream');
      const batch = (await next)!;
      expect(batch.events.map(({ position }) => position)).toEqual(positions);
      expect(batch).toMatchObject({ through: positions[0], caughtUp: true });
    });

    it('does not say caught up before it is', async () => {
      const after = await given.headOrNull();
      const { positions } = await given.store.append(given.fresh('behind'), given.events(30), 'no-stream');
      const subscription = await subscribe({ after, batchEventsMax: 7 });
      for (let through: Position | null = null; through !== positions.at(-1);) {
        const batch = (await subscription.next())!;
        through = batch.through;
        expect(batch.caughtUp).toBe(through! >= positions.at(-1)!);
      }
    });

    it('delivers every event once and in order while writers hammer', async () => {
      const streams = Array.from({ length: 8 }, () => given.fresh('hammered'));
      const subscription = await subscribe({ after: await given.headOrNull(), batchEventsMax: 16 });
      const hammer = async (stream: string): Promise<void> => {
        for (let n = 0; n < 40; n++)
          await given.store.append(stream, [given.event({ n })], n === 0 ? 'no-stream' : n - 1);
      };
      const [events] = await Promise.all([pull(subscription, new Set(streams), 320), ...streams.map(hammer)]);
      const positions = events.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      for (const stream of streams) {
        const revisions = events.filter((event) => event.stream === stream).map(({ revision }) => revision);
        expect(revisions).toEqual(Array.from({ length: 40 }, (_, n) => n));
      }
    });

    it('delivers nothing that a read does not show', async () => {
      const subscription = await live();
      const stream = given.fresh('durable');
      const appended = given.store.append(stream, given.events(1), 'no-stream');
      const [delivered] = await pull(subscription, new Set([stream]), 1);
      expect(await given.store.readStream(stream, { limit: 1 })).toEqual([delivered]);
      expect((await given.store.head())! >= delivered!.position).toBe(true);
      await appended;
    });

    it('delivers only the types asked for, and moves through past the others', async () => {
      const wanted = given.fresh('Wanted');
      const subscription = await live({ types: [wanted] });
      const stream = given.fresh('filtered');
      const { positions } = await given.store.append(stream, given.events(5), 'no-stream');
      const seen: RecordedEvent[] = [];
      for (let through = ''; through < positions.at(-1)!;) {
        const batch = (await subscription.next())!;
        seen.push(...batch.events);
        through = batch.through!;
      }
      expect(seen).toEqual([]);
      await given.store.append(stream, [given.event({}, 'Other'), given.event({ n: 1 }, wanted)], 4);
      const events = await pull(subscription, new Set([stream]), 1);
      expect(events.map(({ type }) => type)).toEqual([wanted]);
    });

    it('finds the few events of a type between many others, whichever checkpoint it goes on from', async () => {
      const rare = given.fresh('Rare');
      const start = await given.headOrNull();
      const stream = given.fresh('rare');
      const isRare = (n: number): boolean => n % 150 === 149;
      const events = Array.from({ length: 600 }, (_, n) => given.event({ n }, isRare(n) ? rare : 'Common'));
      await given.store.append(stream, events, 'no-stream');
      for (let round = 0; round < 2; round++) {
        const seen: number[] = [];
        for (let from: Checkpoint | null = start; seen.length < 4;) {
          const subscription = await subscribe({ after: from, types: [rare], batchEventsMax: 100 });
          const batch = (await subscription.next())!;
          subscription.close();
          seen.push(...batch.events.map(({ revision }) => revision));
          from = { storeId: given.store.storeId, position: batch.through! };
        }
        expect(seen).toEqual([149, 299, 449, 599]);
      }
    });

    it('says that it has caught up where no event is of the types asked for', async () => {
      const start = await given.headOrNull();
      const stream = given.fresh('unwanted');
      const { positions } = await given.store.append(stream, given.events(300), 'no-stream');
      for (let round = 0; round < 2; round++) {
        const subscription = await subscribe({ after: start, types: [given.fresh('Never')], batchEventsMax: 100 });
        for (;;) {
          const { events, through, caughtUp } = (await subscription.next())!;
          expect(events).toEqual([]);
          if (!caughtUp) continue;
          expect(through! >= positions.at(-1)!).toBe(true);
          break;
        }
        subscription.close();
      }
    });

    it('goes on from any through that it named', async () => {
      const stream = given.fresh('resumed');
      const after = await given.headOrNull();
      await given.store.append(stream, given.events(20), 'no-stream');
      const seen: number[] = [];
      for (let from: Checkpoint | null = after; seen.length < 20;) {
        const subscription = await subscribe({ after: from, batchEventsMax: 3 });
        const { events, through } = (await subscription.next())!;
        subscription.close();
        seen.push(...events.filter((event) => event.stream === stream).map(({ revision }) => revision));
        from = { storeId: given.store.storeId, position: through! };
      }
      expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });

    it('holds nobody up when it is not pulled, and delivers in bounded batches when it is', async () => {
      const subscription = await live({ batchEventsMax: 10 });
      const stream = given.fresh('slow');
      for (let n = 0; n < 10; n++)
        await given.store.append(stream, given.events(20), n === 0 ? 'no-stream' : n * 20 - 1);
      const revisions: number[] = [];
      while (revisions.length < 200) {
        const { events } = (await subscription.next())!;
        expect(events.length).toBeLessThanOrEqual(10);
        revisions.push(...events.filter((event) => event.stream === stream).map(({ revision }) => revision));
      }
      expect(revisions).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });

    it('delivers to two subscribers, each at its own pace', async () => {
      const [first, second] = [await live(), await live({ batchEventsMax: 1 })];
      const stream = given.fresh('twice');
      await given.store.append(stream, given.events(5), 'no-stream');
      const fromFirst = await pull(first, new Set([stream]), 5);
      await given.store.append(stream, given.events(1), 4);
      const fromSecond = await pull(second, new Set([stream]), 6);
      expect(fromSecond.slice(0, 5)).toEqual(fromFirst);
      expect(await pull(first, new Set([stream]), 1)).toEqual(fromSecond.slice(5));
    });

    it('ends a pending next with null when it is closed, and every later one', async () => {
      const subscription = await live();
      const pending = subscription.next();
      subscription.close();
      expect(await pending).toBeNull();
      expect(await subscription.next()).toBeNull();
    });

    it('refuses a checkpoint of another store', async () => {
      const foreign = { storeId: given.harness.ids.uuid(), position: (await given.store.head())! };
      expect(await codeOf(given.store.subscribe({ after: foreign }))).toBe('checkpoint-foreign');
    });

    it('refuses a checkpoint beyond the end, and takes the one at the end', async () => {
      const head = (await given.store.head())!;
      const position = String(BigInt(head) + 10n ** BigInt(head.length - 2)).padStart(head.length, '0') as Position;
      const { storeId } = given.store;
      expect(await codeOf(given.store.subscribe({ after: { storeId, position } }))).toBe('checkpoint-beyond-end');
      expect((await (await subscribe({ after: { storeId, position: head } })).next())!.caughtUp).toBe(true);
    });

    it('goes on from a checkpoint after a restart', async () => {
      const stream = given.fresh('restarted');
      const { positions } = await given.store.append(stream, given.events(4), 'no-stream');
      const pending = (await live()).next();
      await given.restart();
      expect(await pending).toBeNull();
      await given.store.append(stream, given.events(2), 3);
      const subscription = await subscribe({ after: { storeId: given.store.storeId, position: positions[1]! } });
      const events = await pull(subscription, new Set([stream]), 4);
      expect(events.map(({ revision }) => revision)).toEqual([2, 3, 4, 5]);
    });
  });
}
