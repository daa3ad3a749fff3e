import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventReader } from '@livegift/event-store';
import type { NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import { openLmdbEventReader } from './lmdb-event-reader.js';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

/** More than one stretch of `AbsentTypes`, in blocks of every size. */
const EVENTS = 40_000;
const APPENDS_AT_ONCE = 500;
/** Nothing in memory, so that everything is read from the file. */
const ON_DISK = { recentEventsMax: 1 };
const RARE = 'GiftRefused';
const AWKWARD = 'A "type"\u0000 \\ é';

jest.setTimeout(60_000);

describe('a subscription to some types', () => {
  let directory: string;
  let store: LmdbEventStore;
  let all: readonly RecordedEvent[];

  const event = (type: string, data: unknown = { text: 'x'.repeat(50) }): NewEvent => ({
    id: randomUUID(),
    type,
    schemaVersion: 1,
    data,
    metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
  });
  const typeOf = (n: number): string =>
    n % 9_001 === 100 ? RARE : n % 15_013 === 7 ? AWKWARD : n > 20_000 && n % 3 === 0 ? 'GiftSent' : 'Common';

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-scan-'));
    store = await openLmdbEventStore({ directory, ...ON_DISK });
    for (let n = 0; n < EVENTS;) {
      // Some commits of a single event, so that there are small blocks too.
      const count = n % 7 === 0 ? 1 : APPENDS_AT_ONCE;
      const appends = Array.from({ length: Math.min(count, EVENTS - n) }, (_, index) => event(typeOf(n + index)));
      await Promise.all(appends.map((one, index) => store.append(`stream-${n + index}`, [one], 'no-stream')));
      n += appends.length;
    }
    all = await readAll();
  });
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function readAll(): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await store.readAll({ after: events.at(-1)?.position ?? null, limit: 10_000 });
      if (page.length === 0) return events;
      events.push(...page);
    }
  }

  async function found(
    reader: EventReader,
    types: readonly string[],
    after: Position | null = null,
    batchEventsMax = 500,
  ): Promise<readonly RecordedEvent[]> {
    const from = after === null ? null : { storeId: reader.storeId, position: after };
    const subscription = await reader.subscribe({ after: from, types, batchEventsMax });
    const events: RecordedEvent[] = [];
    let through = after;
    for (;;) {
      const batch = (await subscription.next())!;
      const isInOrder = batch.events.every(({ position }) => position <= batch.through!);
      const hasMoved = through === null || batch.through! > through;
      if (!isInOrder || !hasMoved || batch.events.length > batchEventsMax) throw new Error(`a wrong batch: ${through}`);
      events.push(...batch.events);
      through = batch.through;
      if (!batch.caughtUp) continue;
      subscription.close();
      return events;
    }
  }
  const wanted = (types: readonly string[], after: Position | null = null): readonly RecordedEvent[] =>
    all.filter(({ type, position }) => types.includes(type) && (after === null || position > after));

  it.each([
    ['that are rare', [RARE]],
    ['that no event has', ['RoomOpened', 'Gift']],
    ['that most events have', ['Common']],
    ['of which one begins late', ['GiftSent', RARE]],
    ['whose name is encoded in more than one way', [AWKWARD]],
  ])('finds exactly the events %s, also when it has learned where none are', async (_, types) => {
    for (let round = 0; round < 2; round++) expect(await found(store, types)).toEqual(wanted(types));
    for (const index of [0, 99, 100, 8_191, 8_192, 20_000, EVENTS - 2]) {
      const after = all[index]!.position;
      expect(await found(store, types, after, 97)).toEqual(wanted(types, after));
    }
  });

  it('finds the same in another process', async () => {
    const reader = await openLmdbEventReader({ directory });
    for (let round = 0; round < 2; round++) expect(await found(reader, [RARE])).toEqual(wanted([RARE]));
    await reader.close();
  });

  it('gives others their turn while it looks, however many look at once', async () => {
    let turns = 0;
    let isLooking = true;
    const count = (): void => {
      turns++;
      if (isLooking) setImmediate(count);
    };
    setImmediate(count);
    // Types that were not asked for before, so that nothing is known of them.
    const types = ['Never1', 'Never2', 'Never3'];
    const found3 = await Promise.all(types.map((type) => found(store, [type])));
    isLooking = false;
    expect(found3).toEqual([[], [], []]);
    expect(turns).toBeGreaterThanOrEqual(types.length);
  });

  it('finds what was appended after it learned that there is none', async () => {
    expect(await found(store, ['Late'])).toEqual([]);
    await store.append('late', [event('Late')], 'no-stream');
    await store.append('after', [event('Common')], 'no-stream');
    expect((await found(store, ['Late'])).map(({ stream }) => stream)).toEqual(['late']);
    all = await readAll();
  });

  it('ends when it is closed while it looks', async () => {
    const subscription = await store.subscribe({ after: null, types: ['Closed'] });
    const next = subscription.next();
    subscription.close();
    expect([null, []]).toContainEqual((await next)?.events ?? null);
    expect(await subscription.next()).toBeNull();
  });

  it('says that a block is damaged, also one that seems to hold nothing wanted', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'livegift-scan-'));
    await store.close();
    const bytes = readFileSync(join(directory, 'data.mdb'));
    const at = bytes.indexOf(RARE);
    for (let hit = at; hit !== -1; hit = bytes.indexOf(RARE, hit + 1)) bytes[hit] = 'g'.charCodeAt(0);
    writeFileSync(join(copy, 'data.mdb'), bytes);
    const damaged = await openLmdbEventReader({ directory: copy });
    await expect(found(damaged, [RARE])).rejects.toMatchObject({ code: 'damaged' });
    await damaged.close();
    rmSync(copy, { recursive: true, force: true });
    store = await openLmdbEventStore({ directory, ...ON_DISK });
  });
});
