/// <reference types="jest" />
import type { EventStore } from '../event-store.js';
import { ContractContext, codeOf, pull, type OpenEventStoreHarness } from './harness.js';

export function describeClosing(open: OpenEventStoreHarness): void {
  describe('closing', () => {
    const given = ContractContext.forTopic(open);

    it('refuses everything with unavailable once closed', async () => {
      const { positions } = await given.store.append(given.fresh('closing'), given.events(1), 'no-stream');
      const closed = given.store;
      await given.restart();
      const snapshot = { stateVersion: 1, revision: 0, position: positions[0]!, bytes: new Uint8Array(1) };
      const uses: Record<string, (store: EventStore) => Promise<unknown>> = {
        append: (store) => store.append(given.fresh('never'), given.events(1), 'no-stream'),
        readStream: (store) => store.readStream('any', { limit: 1 }),
        readAll: (store) => store.readAll({ limit: 1 }),
        head: (store) => store.head(),
        subscribe: (store) => store.subscribe({ after: null }),
        loadSnapshot: (store) => store.loadSnapshot('any'),
        saveSnapshot: (store) => store.saveSnapshot('any', snapshot),
        loadCheckpoint: (store) => store.loadCheckpoint('any'),
        saveCheckpoint: (store) => store.saveCheckpoint('any', positions[0]!),
      };
      for (const [name, use] of Object.entries(uses))
        expect([name, await codeOf(use(closed))]).toEqual([name, 'unavailable']);
      const ordered = await closed.appendInOrder([
        { stream: given.fresh('never'), events: given.events(1), expected: 'no-stream' },
      ]);
      expect(ordered).toMatchObject({ results: [], failure: { code: 'unavailable' } });
    });

    it('waits for the appends under way, and loses none that it accepted', async () => {
      const streams = Array.from({ length: 50 }, () => given.fresh('under-way'));
      const sent = Promise.allSettled(
        streams.map((stream) => given.store.append(stream, given.events(1), 'no-stream')),
      );
      await given.restart();
      for (const [at, outcome] of (await sent).entries()) {
        const read = await given.store.readStream(streams[at]!, { limit: 2 });
        expect(read).toHaveLength(outcome.status === 'fulfilled' ? 1 : 0);
      }
    });

    it('can be closed twice', async () => {
      const closed = given.store;
      await given.restart();
      await closed.close();
    });
  });
}

/** For adapters whose log other processes can read while one writes it. */
export function describeReaders(open: OpenEventStoreHarness): void {
  describe('readers beside the writer', () => {
    const given = ContractContext.forTopic(open);

    it('see what the writer has made durable, and go on seeing it', async () => {
      if (given.harness.openReader === undefined) return;
      const stream = given.fresh('read-beside');
      await given.store.append(stream, given.events(5), 'no-stream');
      const reader = await given.harness.openReader();
      expect(reader.storeId).toBe(given.store.storeId);
      expect(await reader.readStream(stream, { limit: 10 })).toEqual(
        await given.store.readStream(stream, { limit: 10 }),
      );
      await given.store.append(stream, given.events(5), 4);
      expect(await reader.readStream(stream, { limit: 10 })).toEqual(
        await given.store.readStream(stream, { limit: 10 }),
      );
      expect(await reader.head()).toBe(await given.store.head());
      const backwards = { direction: 'backwards', limit: 3 } as const;
      expect(await reader.readAll(backwards)).toEqual(await given.store.readAll(backwards));
      await reader.close();
      expect(await codeOf(reader.head())).toBe('unavailable');
    });

    it('follow the log live', async () => {
      if (given.harness.openReader === undefined) return;
      const reader = await given.harness.openReader();
      const subscription = await reader.subscribe({ after: await given.headOrNull() });
      while (!(await subscription.next())!.caughtUp);
      const stream = given.fresh('followed');
      for (let n = 0; n < 20; n++) await given.store.append(stream, given.events(1), n === 0 ? 'no-stream' : n - 1);
      const events = await pull(subscription, new Set([stream]), 20);
      expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: 20 }, (_, n) => n));
      const pending = subscription.next();
      await reader.close();
      expect(await pending).toBeNull();
    });
  });
}
