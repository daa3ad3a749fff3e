/// <reference types="jest" />
import type { OrderedAppend } from '../event-store.js';
import { ContractContext, type OpenEventStoreHarness } from './harness.js';

export function describeAppendInOrder(open: OpenEventStoreHarness): void {
  describe('appends in order', () => {
    const given = ContractContext.forTopic(open);
    const first = (stream: string, count = 2): OrderedAppend => ({
      stream,
      events: given.events(count),
      expected: 'no-stream',
    });

    it('appends all entries, with positions that rise in their order', async () => {
      const entries = Array.from({ length: 30 }, () => first(given.fresh('ordered')));
      const { results, failure } = await given.store.appendInOrder(entries);
      expect(failure).toBeUndefined();
      const positions = results.map(({ position }) => position);
      expect(positions).toHaveLength(30);
      expect(positions).toEqual([...new Set(positions)].sort());
      const lasts = entries.map(({ stream }) =>
        given.store.readStream(stream, { direction: 'backwards', limit: 1 }).then(([last]) => last!.position),
      );
      expect(await Promise.all(lasts)).toEqual(positions);
    });

    it('appends to one stream twice in one call', async () => {
      const stream = given.fresh('twice');
      const { results, failure } = await given.store.appendInOrder([
        first(stream),
        first(given.fresh('between')),
        { stream, events: given.events(3), expected: 1 },
      ]);
      expect(failure).toBeUndefined();
      expect(results.map(({ revision }) => revision)).toEqual([1, 1, 4]);
    });

    it('keeps the order while others write', async () => {
      const other = given.fresh('disturbing');
      const disturb = async (): Promise<void> => {
        for (let n = 0; n < 20; n++) await given.store.append(other, given.events(1), n === 0 ? 'no-stream' : n - 1);
      };
      const entries = Array.from({ length: 30 }, () => first(given.fresh('kept'), 1));
      const [{ results }] = await Promise.all([given.store.appendInOrder(entries), disturb()]);
      const positions = results.map(({ position }) => position);
      expect(positions).toHaveLength(30);
      expect(positions).toEqual([...positions].sort());
    });

    it.each([
      ['a wrong expected revision', 'wrong-expected-revision'],
      ['an entry that is too large', 'append-too-large'],
    ])('answers the prefix before %s, and attempts nothing after it', async (_, code) => {
      const streams = Array.from({ length: 4 }, () => given.fresh('prefix'));
      const entries = streams.map((stream) => first(stream));
      entries[2] =
        code === 'append-too-large'
          ? { ...entries[2]!, events: [given.event('x'.repeat(given.store.appendBytesMax + 1))] }
          : { ...entries[2]!, expected: 5 };
      const { results, failure } = await given.store.appendInOrder(entries);
      expect(results).toHaveLength(2);
      expect(failure).toMatchObject({ name: 'EventStoreError', code });
      const counts = await Promise.all(
        streams.map(async (stream) => (await given.store.readStream(stream, { limit: 9 })).length),
      );
      expect(counts).toEqual([2, 2, 0, 0]);
    });

    it('stops at an entry that another of the same call has overtaken', async () => {
      const stream = given.fresh('overtaken');
      const { results, failure } = await given.store.appendInOrder([
        first(stream),
        first(stream),
        first(given.fresh('never')),
      ]);
      expect(results).toHaveLength(1);
      expect(failure).toMatchObject({ code: 'wrong-expected-revision', actual: 1 });
    });

    it('holds its bounds per entry, not over all', async () => {
      const half = 'x'.repeat(given.store.appendBytesMax / 2);
      const entries = Array.from({ length: 4 }, () => ({ ...first(given.fresh('sum')), events: [given.event(half)] }));
      expect((await given.store.appendInOrder(entries)).results).toHaveLength(4);
    });

    it('answers an empty list for an empty list', async () => {
      expect(await given.store.appendInOrder([])).toEqual({ results: [] });
    });
  });
}
