/// <reference types="jest" />
import { storeUuidOf, type Position, type RecordedEvent } from '@livegift/kernel';
import { ContractContext, type OpenEventStoreHarness } from './harness.js';

const numbers = (events: readonly RecordedEvent[]): number[] => events.map(({ data }) => (data as { n: number }).n);

export function describeReads(open: OpenEventStoreHarness): void {
  describe('reads', () => {
    const given = ContractContext.forTopic(open);
    let stream: string;
    let positions: readonly Position[];

    beforeAll(async () => {
      stream = given.fresh('read');
      ({ positions } = await given.store.append(stream, given.events(10), 'no-stream'));
      await given.store.append(given.fresh('other'), given.events(5), 'no-stream');
    });

    it.each([
      ['from the start', {}, [0, 1, 2, 3]],
      ['from a revision', { from: 7 }, [7, 8, 9]],
      ['from its last revision', { from: 9 }, [9]],
      ['from beyond its end', { from: 10 }, []],
      ['backwards from its end', { direction: 'backwards' }, [9, 8, 7, 6]],
      ['backwards from a revision', { direction: 'backwards', from: 2 }, [2, 1, 0]],
      ['backwards from its first', { direction: 'backwards', from: 0 }, [0]],
      ['backwards from beyond its end', { direction: 'backwards', from: 99 }, [9, 8, 7, 6]],
    ] as const)('reads a stream %s, at most limit events', async (_, options, expected) => {
      expect(numbers(await given.store.readStream(stream, { ...options, limit: 4 }))).toEqual(expected);
    });

    it.each(['forwards', 'backwards'] as const)('reads nothing of an unknown stream, %s', async (direction) => {
      expect(await given.store.readStream(given.fresh('unknown'), { direction, limit: 5 })).toEqual([]);
    });

    it('does not take a stream for another whose name begins alike', async () => {
      const name = given.fresh('prefix');
      await given.store.append(`${name}1`, given.events(2), 'no-stream');
      expect(await given.store.readStream(name, { limit: 5 })).toEqual([]);
      expect(await given.store.readStream(`${name}12`, { direction: 'backwards', limit: 5 })).toEqual([]);
    });

    it('reads the log after a position, without that position', async () => {
      const read = await given.store.readAll({ after: positions[3]!, limit: 4 });
      expect(read.map(({ position }) => position)).toEqual(positions.slice(4, 8));
    });

    it('reads the log backwards before a position, without that position', async () => {
      const read = await given.store.readAll({ after: positions[3]!, direction: 'backwards', limit: 3 });
      expect(read.map(({ position }) => position)).toEqual(positions.slice(0, 3).reverse());
    });

    it('reads the newest events backwards from the end', async () => {
      const head = await given.store.head();
      const [newest] = await given.store.readAll({ direction: 'backwards', limit: 1 });
      expect(newest!.position).toBe(head);
      expect(await given.store.readAll({ after: head, limit: 5 })).toEqual([]);
    });

    it('reads the whole log in pages without a gap or a repeat, and the same backwards', async () => {
      const forwards = await pages(given, 'forwards', 3);
      const backwards = await pages(given, 'backwards', 7);
      expect(forwards).toEqual([...new Set(forwards)].sort());
      expect(backwards).toEqual([...forwards].reverse());
      for (const position of positions) expect(forwards).toContain(position);
    });

    it('answers the same after a restart: events, positions, head and store id', async () => {
      const { storeId } = given.store;
      const before = { stream: await given.store.readStream(stream, { limit: 100 }), head: await given.store.head() };
      const store = await given.restart();
      expect({ stream: await store.readStream(stream, { limit: 100 }), head: await store.head() }).toEqual(before);
      expect(store.storeId).toBe(storeId);
      expect(storeUuidOf(storeId)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect((await store.append(stream, given.events(1), 9)).positions[0]! > before.head!).toBe(true);
    });

    it('goes on after a restart where it was: revisions and expected revisions', async () => {
      const name = given.fresh('continued');
      await given.store.append(name, given.events(3), 'no-stream');
      const store = await given.restart();
      await expect(store.append(name, given.events(1), 'no-stream')).rejects.toMatchObject({ actual: 2 });
      expect((await store.append(name, given.events(1), 2)).revision).toBe(3);
    });
  });
}

async function pages(given: ContractContext, direction: 'forwards' | 'backwards', limit: number): Promise<string[]> {
  const positions: string[] = [];
  for (let after: Position | null = null; ;) {
    const page: readonly RecordedEvent[] = await given.store.readAll({ after, direction, limit });
    if (page.length === 0) return positions;
    expect(page.length).toBeLessThanOrEqual(limit);
    positions.push(...page.map(({ position }) => position));
    after = page.at(-1)!.position;
  }
}
