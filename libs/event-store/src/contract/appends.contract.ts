/// <reference types="jest" />
import { isPosition } from '@livegift/kernel';
import { ContractContext, asGiven, codeOf, type OpenEventStoreHarness } from './harness.js';

export function describeAppends(open: OpenEventStoreHarness): void {
  describe('appends', () => {
    const given = ContractContext.forTopic(open);

    it('creates a stream that does not exist and answers revision and positions', async () => {
      const stream = given.fresh('created');
      const result = await given.store.append(stream, given.events(3), 'no-stream');
      expect(result.revision).toBe(2);
      expect(result.positions).toHaveLength(3);
      const read = await given.store.readStream(stream, { limit: 10 });
      expect(read.map(({ position }) => position)).toEqual(result.positions);
    });

    it('extends a stream at exactly the expected revision', async () => {
      const stream = given.fresh('extended');
      await given.store.append(stream, given.events(2), 'no-stream');
      expect((await given.store.append(stream, given.events(3), 1)).revision).toBe(4);
      const revisions = (await given.store.readStream(stream, { limit: 10 })).map(({ revision }) => revision);
      expect(revisions).toEqual([0, 1, 2, 3, 4]);
    });

    it.each([
      ['no-stream, but it has events', 2, 'no-stream', 1],
      ['a revision before its last', 2, 0, 1],
      ['a revision after its last', 2, 2, 1],
      ['a revision of a stream that does not exist', 0, 0, 'no-stream'],
    ] as const)('refuses %s, says where it is, and writes nothing', async (_, existing, expected, actual) => {
      const stream = given.fresh('refused');
      if (existing > 0) await given.store.append(stream, given.events(existing), 'no-stream');
      const attempt = given.store.append(stream, given.events(1), expected);
      await expect(attempt).rejects.toMatchObject({ name: 'EventStoreError', code: 'wrong-expected-revision', actual });
      expect(await given.store.readStream(stream, { limit: 10 })).toHaveLength(existing);
    });

    it.each([
      ['a stream without a name', '', [['Happened']]],
      ['an event without a type', 'unnamed', [['Happened'], ['']]],
      ['no event', 'nothing', []],
    ] as const)('throws at %s, as at any mistake of the caller', async (_, prefix, types) => {
      const stream = prefix === '' ? '' : given.fresh(prefix);
      const events = types.map(([type]) => given.event({}, type));
      await expect(given.store.append(stream, events, 'no-stream')).rejects.toThrow(TypeError);
      const { results, failure } = await given.store.appendInOrder([{ stream, events, expected: 'no-stream' }]);
      expect([results, failure]).toEqual([[], expect.any(TypeError)]);
      if (stream !== '') expect(await given.store.readStream(stream, { limit: 1 })).toEqual([]);
    });

    it('keeps every field of an event', async () => {
      const stream = given.fresh('fields');
      const event = given.event({ coins: 5 }, 'CoinsPurchased');
      const metadata = { ...event.metadata, idempotencyKey: 'k', bodyHash: 'h', previousOfType: null };
      const { positions } = await given.store.append(stream, [{ ...event, schemaVersion: 3, metadata }], 'no-stream');
      const [read] = await given.store.readStream(stream, { limit: 1 });
      expect(read).toStrictEqual({ ...event, schemaVersion: 3, metadata, stream, revision: 0, position: positions[0] });
    });

    it.each([
      ['different contents', false],
      ['equal contents and equal ids', true],
    ])('lets exactly one of many racing writers win, with %s', async (_, equal) => {
      const stream = given.fresh('raced');
      const shared = given.event({ writer: 'any' });
      const writers = Array.from({ length: 8 }, (__, writer) => (equal ? shared : given.event({ writer })));
      const outcomes = await Promise.allSettled(
        writers.map((event) => given.store.append(stream, [event], 'no-stream')),
      );
      const lost = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect(lost).toHaveLength(7);
      for (const { reason } of lost) expect(reason).toMatchObject({ code: 'wrong-expected-revision', actual: 0 });
      expect(await given.store.readStream(stream, { limit: 10 })).toHaveLength(1);
    });

    it.each(['equal', 'fresh'])('does not take a stale append for done because its ids are %s', async (ids) => {
      const stream = given.fresh('stale');
      const events = given.events(2);
      await given.store.append(stream, events, 'no-stream');
      const again = ids === 'equal' ? events : given.events(2);
      expect(await codeOf(given.store.append(stream, again, 'no-stream'))).toBe('wrong-expected-revision');
    });

    it('is all or nothing under races of several events', async () => {
      const stream = given.fresh('atomic');
      const attempts = Array.from({ length: 6 }, (_, writer) => [
        given.event({ writer }),
        given.event({ writer }),
        given.event({ writer }),
      ]);
      await Promise.allSettled(attempts.map((events) => given.store.append(stream, events, 'no-stream')));
      const read = await given.store.readStream(stream, { limit: 100 });
      expect(read).toHaveLength(3);
      expect(new Set(read.map(({ data }) => (data as { writer: number }).writer)).size).toBe(1);
    });

    it('answers appends of one stream, sent one after the other without waiting, each on the one before', async () => {
      const stream = given.fresh('pipelined');
      const sent = Array.from({ length: 20 }, (_, n) =>
        given.store.append(stream, [given.event({ n })], n === 0 ? 'no-stream' : n - 1),
      );
      const outcomes = await Promise.allSettled(sent);
      const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
      expect(done).toBeGreaterThan(0);
      const read = await given.store.readStream(stream, { limit: 100 });
      expect(read.map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: done }, (_, n) => n));
    });

    it('makes an append readable before it answers', async () => {
      const stream = given.fresh('visible');
      const { positions } = await given.store.append(stream, given.events(1), 'no-stream');
      expect(await given.store.readStream(stream, { limit: 1 })).toHaveLength(1);
      expect((await given.store.head())! >= positions[0]!).toBe(true);
    });

    it('gives positions of one width that rise over streams and appends', async () => {
      const streams = Array.from({ length: 5 }, () => given.fresh('rising'));
      const positions: string[] = [];
      for (const round of [0, 1]) {
        for (const stream of streams) {
          const result = await given.store.append(stream, given.events(2), round === 0 ? 'no-stream' : 1);
          positions.push(...result.positions);
        }
      }
      expect(positions.every(isPosition)).toBe(true);
      expect(new Set(positions.map(({ length }) => length)).size).toBe(1);
      expect(positions).toEqual([...new Set(positions)].sort());
    });

    it('keeps the order of revisions in the order of positions when many write at once', async () => {
      const streams = Array.from({ length: 10 }, () => given.fresh('woven'));
      const write = async (stream: string): Promise<void> => {
        for (let n = 0; n < 10; n++)
          await given.store.append(stream, [given.event({ n })], n === 0 ? 'no-stream' : n - 1);
      };
      await Promise.all(streams.map(write));
      for (const stream of streams) {
        const positions = (await given.store.readStream(stream, { limit: 20 })).map(({ position }) => position);
        expect(positions).toEqual([...positions].sort());
        expect(positions).toHaveLength(10);
      }
    });

    it('refuses more bytes than appendBytesMax, counted as UTF-8, and writes nothing', async () => {
      const stream = given.fresh('large');
      const { appendBytesMax } = given.store;
      const tooLarge = [given.event('x'.repeat(appendBytesMax + 1)), given.event('€'.repeat(appendBytesMax / 2))];
      for (const event of tooLarge) {
        expect(await codeOf(given.store.append(stream, [event], 'no-stream'))).toBe('append-too-large');
      }
      const halves = [given.event('x'.repeat(appendBytesMax / 2)), given.event('x'.repeat(appendBytesMax / 2))];
      expect(await codeOf(given.store.append(stream, halves, 'no-stream'))).toBe('append-too-large');
      expect(await given.store.readStream(stream, { limit: 1 })).toEqual([]);
    });

    it('takes an append of nearly appendBytesMax', async () => {
      const stream = given.fresh('nearly');
      const data = '"'.repeat((given.store.appendBytesMax - 4_096) / 2);
      await given.store.append(stream, [given.event(data)], 'no-stream');
      expect((await given.store.readStream(stream, { limit: 1 }))[0]!.data).toBe(data);
    });

    it('takes appendEventsMax events and refuses one more, writing nothing', async () => {
      const stream = given.fresh('many');
      const most = given.events(Math.min(given.store.appendEventsMax, 2_000));
      await given.store.append(stream, most, 'no-stream');
      const more = Array.from({ length: given.store.appendEventsMax + 1 }, () => given.event());
      expect(await codeOf(given.store.append(stream, more, most.length - 1))).toBe('append-too-large');
      const [last] = await given.store.readStream(stream, { direction: 'backwards', limit: 1 });
      expect(last!.revision).toBe(most.length - 1);
      const read = await given.store.readStream(stream, { limit: most.length });
      expect(read.map(asGiven)).toEqual(most);
    });
  });
}
