import type { NewEvent } from '@livegift/kernel';
import { InMemoryEventStore } from '@livegift/testing';
import { walkType } from './type-walk.js';

/** A stream of these types, each event linked to the last of its type, as the writers do. */
async function streamOf(...types: string[]): Promise<InMemoryEventStore> {
  const store = new InMemoryEventStore('a-store');
  const last = new Map<string, number>();
  const events = types.map((type, revision): NewEvent => {
    const previousOfType = last.get(type) ?? null;
    last.set(type, revision);
    const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-01-01T00:00:00.000Z', previousOfType };
    return { id: `e-${revision}`, type, schemaVersion: 1, data: {}, metadata };
  });
  await store.append('s', events, 'no-stream');
  return store;
}

describe('walking events of one type', () => {
  it('goes from the newest back, page by page, to the end', async () => {
    const store = await streamOf('A', 'B', 'A', 'B', 'B', 'A');
    const first = await walkType(store, 's', 'A', 5, 2);
    expect(first?.events.map(({ revision }) => revision)).toEqual([5, 2]);
    expect(first?.nextRevision).toBe(0);
    const second = await walkType(store, 's', 'A', first!.nextRevision, 2);
    expect(second?.events.map(({ revision }) => revision)).toEqual([0]);
    expect(second?.nextRevision).toBeNull();
  });

  it('reads a bounded number of events, however far apart they stand', async () => {
    const store = await streamOf('A', ...Array.from({ length: 5_000 }, () => 'B'), 'A');
    let read = 0;
    const counting = {
      readStream: async (...args: Parameters<InMemoryEventStore['readStream']>) => {
        const events = await store.readStream(...args);
        read += events.length;
        return events;
      },
    } as InMemoryEventStore;
    const page = await walkType(counting, 's', 'A', 5_001, 20);
    expect(page?.events.map(({ revision }) => revision)).toEqual([5_001, 0]);
    expect(read).toBeLessThan(100);
  });

  it('is empty without a start, and null where the start is of another type or nowhere', async () => {
    const store = await streamOf('A', 'B');
    expect(await walkType(store, 's', 'A', null, 5)).toEqual({ events: [], nextRevision: null });
    expect(await walkType(store, 's', 'A', 1, 5)).toBeNull();
    expect(await walkType(store, 's', 'A', 99, 5)).toBeNull();
  });
});
