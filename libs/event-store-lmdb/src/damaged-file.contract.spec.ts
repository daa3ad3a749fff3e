import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { openLmdbEventReader } from './lmdb-event-reader.js';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

const PAGE_BYTES = 4_096;
const STREAMS = 60;
const ROUNDS = 30;
/** Nothing in memory, so that everything is read from the file. */
const LIMITS = { indexInMemoryEvents: 256, headsKeptMax: 2, recentEventsMax: 1 };

const event = (data: unknown): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data,
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

describe('a data file that is not what was written', () => {
  let directory: string;
  let file: string;
  let whole: Buffer;
  let truth: string;
  const open = (): Promise<LmdbEventStore> => openLmdbEventStore({ directory, ...LIMITS });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-damaged-'));
    file = join(directory, 'data.mdb');
    const store = await open();
    for (let round = 0; round < ROUNDS; round++) {
      const expected = round === 0 ? 'no-stream' : round - 1;
      const append = (stream: string) => store.append(stream, [event({ round, pad: 'x'.repeat(100) })], expected);
      await Promise.all(Array.from({ length: STREAMS }, (_, n) => append(`stream-${n}`)));
    }
    truth = await everything(store);
    await store.close();
    whole = inUse(readFileSync(file));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const damageWith = (change: (bytes: Buffer) => void): void => {
    const bytes = Buffer.from(whole);
    change(bytes);
    writeFileSync(file, bytes);
  };

  /** `same` where the damage hit nothing that is in use. */
  const outcome = async (): Promise<string> => {
    let store: LmdbEventStore | null = null;
    try {
      store = await open();
      return (await everything(store)) === truth ? 'same' : 'wrong';
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      return code === 'damaged' && message.startsWith(file) ? 'damaged' : `unexpected: ${message}`;
    } finally {
      await store?.close();
    }
  };

  it('is itself read as it was written', async () => {
    damageWith(() => {});
    expect(await outcome()).toBe('same');
  });

  it.each([0, 100, PAGE_BYTES, 2 * PAGE_BYTES, 0.25, 0.5, 0.9, -PAGE_BYTES, -1])(
    'is refused when truncated to %p',
    async (to) => {
      damageWith(() => {});
      const size = Number.isInteger(to) ? (to < 0 ? whole.length + to : to) : Math.floor(whole.length * to);
      truncateSync(file, size);
      expect(await outcome()).toBe('damaged');
      await expect(openLmdbEventReader({ directory })).rejects.toMatchObject({ code: 'damaged' });
    },
  );

  it('is refused, or unharmed, with any one page zeroed', async () => {
    const outcomes: string[] = [];
    for (let page = 0; page < whole.length / PAGE_BYTES; page += page < 4 ? 1 : 3) {
      damageWith((bytes) => bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
      outcomes.push(await outcome());
    }
    expect(new Set(outcomes)).toEqual(new Set(['damaged', 'same']));
    expect(outcomes.filter((found) => found === 'damaged').length).toBeGreaterThan(outcomes.length / 2);
  });

  it('is refused, or unharmed, with any one byte flipped', async () => {
    const outcomes: string[] = [];
    for (let n = 0; n < 50; n++) {
      // Spread over the file by the golden ratio, so that every run flips the same bytes.
      const at = Math.floor(((n * 0.618_033_988_749_895) % 1) * whole.length);
      damageWith((bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (n % 8)), at));
      outcomes.push(await outcome());
    }
    expect(new Set(outcomes)).toEqual(new Set(['damaged', 'same']));
  });

  it('names the block whose event was changed, reads the others, and verify finds just that one', async () => {
    const at = whole.indexOf('x'.repeat(100));
    damageWith((bytes) => bytes.write('y', at));
    const store = await open();
    const damage = await store.readAll({ limit: 10_000 }).catch((error: unknown) => error);
    await store.close();
    expect(damage).toMatchObject({ code: 'damaged', message: expect.stringMatching(/block at position \d{16}/) });
    const position = /position (\d{16})/.exec((damage as Error).message)![1];
    const reader = await openLmdbEventReader({ directory });
    const damaged: string[] = [];
    let events = 0;
    for await (const block of reader.verify()) {
      events += block.events;
      if (block.damage !== null) damaged.push(block.first);
    }
    await reader.close();
    expect(damaged).toEqual([position]);
    expect(events).toBeGreaterThan(STREAMS * ROUNDS - 200);
  });

  it('answers null for a damaged snapshot, and counts it', async () => {
    damageWith(() => {});
    const counted: string[] = [];
    let store = await open();
    const bytes = Buffer.from('s'.repeat(5_000));
    await store.saveSnapshot('wallet', { stateVersion: 1, revision: 3, position: (await store.head())!, bytes });
    await store.close();
    const copy = `${file}.copy`;
    copyFileSync(file, copy);
    const changed = readFileSync(copy);
    changed.write('t', changed.indexOf(bytes));
    writeFileSync(file, changed);
    const quiet = { gauge: () => {}, observe: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const telemetry = { ...quiet, count: (name: string) => counted.push(name) };
    store = await openLmdbEventStore({ directory, ...LIMITS, telemetry });
    expect(await store.loadSnapshot('wallet')).toBeNull();
    expect(counted).toContain('event_store_damaged_snapshots_total');
    await store.close();
  });
});

/** Without the space that was taken ahead. */
function inUse(bytes: Buffer): Buffer {
  let pages = bytes.length / PAGE_BYTES;
  while (bytes.subarray((pages - 1) * PAGE_BYTES, pages * PAGE_BYTES).every((byte) => byte === 0)) pages--;
  return bytes.subarray(0, pages * PAGE_BYTES);
}

/** All that a reader can see: the log, and every stream both ways. */
async function everything(store: LmdbEventStore): Promise<string> {
  const seen: unknown[] = [await store.head(), await store.readAll({ limit: 10_000 })];
  for (let n = 0; n < STREAMS; n++) {
    seen.push(await store.readStream(`stream-${n}`, { limit: 100 }));
    seen.push(await store.readStream(`stream-${n}`, { direction: 'backwards', limit: 1 }));
  }
  return JSON.stringify(seen);
}
