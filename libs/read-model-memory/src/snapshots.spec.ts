import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentTelemetry, type Position } from '@livegift/kernel';
import type { ReadModel, ReadModelWrite } from '@livegift/read-model';
import { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';
import type { SnapshotOptions } from './snapshots.js';

const AT = Date.parse('2026-05-13T10:20:30.400Z');
const HOUR_MS = 3_600_000;
const VIEWERS = 9_000;
const ROOMS = 40;

let directory: string;
let file: string;
let warnings: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'livegift-snapshots-'));
  file = join(directory, 'read-model.snapshot');
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const positionAt = (index: number): Position => String(index).padStart(16, '0') as Position;

function opened(snapshot: Partial<SnapshotOptions>, options: MemoryReadModelOptions = {}): ReadModel {
  return createMemoryReadModel({
    ...options,
    snapshot: {
      file,
      storeId: 's',
      foldVersion: 1,
      head: async () => positionAt(1_000_000),
      eventIdAt: async (position) => `event ${position}`,
      telemetry: { ...silentTelemetry, warn: (_, fields) => warnings.push(String(fields?.['error'])) },
      onCloseEvents: 1,
      ...snapshot,
    },
  });
}

/** What the event at this position changes, by turns: a row of each table, the list of rooms, a gift. */
function writesAt(index: number): readonly ReadModelWrite[] {
  const room = (index * 13) % ROOMS;
  const viewerId = `viewer-${(index * 7_919) % VIEWERS}`;
  const roomId = `room-${room}`;
  const creatorId = `creator-${room % 7}`;
  if (index <= ROOMS) {
    return [
      { kind: 'row', table: 'room', id: roomId, set: { creatorId, title: `Räume ${room}`, openedAt: '2026' } },
      { kind: 'room-listed', roomId, creatorId, state: 'open', openedPosition: positionAt(index) },
    ];
  }
  const coins = index % 5;
  return [
    {
      kind: 'row',
      table: 'wallet',
      id: viewerId,
      set: { region: ['DE', 'FR', 'JP'][index % 3]!, ageAssured: index % 2 === 0, lastGiftRevision: index % 4 },
      add: { spentCoins: coins },
    },
    { kind: 'row', table: 'creator', id: creatorId, add: { giftCount: 1, coinsReceived: coins } },
    { kind: 'row', table: 'room', id: roomId, add: { giftCount: 1 } },
    ...(index % 997 === 0
      ? [{ kind: 'room-listed', roomId, creatorId, state: 'closed', openedPosition: null } as const]
      : []),
    {
      kind: 'gift-scored',
      giftId: `${viewerId}.${index}`,
      roomId,
      creatorId,
      viewerId,
      coins,
      diamonds: index % 3 === 0 ? 0 : coins * 50,
      position: positionAt(index),
      occurredAtMs: AT - ((index * 31) % 40) * HOUR_MS,
      name: index % 11 === 0 ? `Zoë ${index % 100}` : null,
    },
  ];
}

async function fold(model: ReadModel, to: number, batchEvents = 1_000): Promise<void> {
  let from = (await model.checkpoint(0))?.position ?? null;
  while (Number(from) < to) {
    const first = Number(from) + 1;
    const last = Math.min(to, Number(from) + batchEvents);
    const writes = Array.from({ length: last - first + 1 }, (_, offset) => writesAt(first + offset)).flat();
    const batch = { partition: 0, storeId: 's', from, to: positionAt(last), newestRecordedMs: AT, writes };
    expect(await model.apply(batch)).toEqual({ applied: true });
    from = batch.to;
  }
}

async function dumpOf(model: ReadModel): Promise<string> {
  await model.markBuilt(0, null);
  const lines: string[] = [];
  for await (const line of model.dump()) lines.push(line);
  return lines.join('\n');
}

async function freshDump(to: number): Promise<string> {
  const model = createMemoryReadModel();
  await fold(model, to);
  return dumpOf(model);
}

async function saved(to: number, snapshot: Partial<SnapshotOptions> = {}): Promise<void> {
  const model = opened(snapshot);
  await fold(model, to);
  await model.close();
}

describe('a read model that begins from its snapshot', () => {
  it('is the one that was closed, and goes on as if it had read the whole log', async () => {
    await saved(21_000);
    const model = opened({});
    expect(await model.checkpoint(0)).toEqual({ storeId: 's', position: positionAt(21_000) });
    await fold(model, 24_000);
    expect(await dumpOf(model)).toBe(await freshDump(24_000));
    expect(warnings).toEqual([]);
  });

  it('answers nothing before it is said to be up to date', async () => {
    await saved(1_000);
    const model = opened({});
    await model.checkpoint(0);
    await expect(model.wallet('viewer-1')).rejects.toMatchObject({ code: 'rebuilding' });
  });

  it('has what was there when writing began, whatever changed meanwhile', async () => {
    let go: (() => void)[] = [];
    const yieldToLoop = (): Promise<void> => new Promise((resolve) => go.push(resolve));
    const model = opened({ everyEvents: 21_000, onCloseEvents: Infinity }, { yieldToLoop });
    await model.markBuilt(0, null);
    await fold(model, 21_000, 21_000);
    expect(go).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
    // One batch that changes every section, while nothing but what has to make way is written.
    const folding = fold(model, 30_000, 9_000);
    for (let isOver = false; !isOver;) {
      for (const resolve of go.splice(1)) resolve();
      isOver = await Promise.race([
        folding.then(() => true),
        new Promise<false>((no) => setImmediate(() => no(false))),
      ]);
    }
    const closing = model.close();
    for (let isOver = false; !isOver;) {
      for (const resolve of go.splice(0)) resolve();
      isOver = await Promise.race([
        closing.then(() => true),
        new Promise<false>((no) => setImmediate(() => no(false))),
      ]);
    }
    const again = opened({});
    expect(await again.checkpoint(0)).toEqual({ storeId: 's', position: positionAt(21_000) });
    expect(await dumpOf(again)).toBe(await freshDump(21_000));
  });

  it('begins anew after a drop', async () => {
    const model = opened({});
    await fold(model, 1_000);
    await model.close();
    const again = opened({});
    await again.drop(0);
    expect(existsSync(file)).toBe(false);
    expect(await again.checkpoint(0)).toBeNull();
  });

  it('leaves what a crash left half written where it is', async () => {
    await saved(1_000);
    writeFileSync(`${file}.new`, readFileSync(file).subarray(0, 5_000));
    expect(await opened({}).checkpoint(0)).toEqual({ storeId: 's', position: positionAt(1_000) });
  });

  it('is left where it is when the log cannot be asked just now', async () => {
    await saved(1_000);
    const model = opened({ head: () => Promise.reject(new Error('the event store is closed')) });
    expect(await model.checkpoint(0)).toBeNull();
    expect(warnings).toEqual(['Error: the event store is closed']);
    expect(await opened({}).checkpoint(0)).toEqual({ storeId: 's', position: positionAt(1_000) });
  });

  it('is written when it is time, and not much behind at closing', async () => {
    const model = opened({ everyEvents: 5_000, onCloseEvents: 3_000 });
    await model.markBuilt(0, null);
    await fold(model, 5_000);
    await fold(model, 7_000, 2_000);
    await model.close();
    expect(await opened({}).checkpoint(0)).toMatchObject({ position: positionAt(5_000) });
  });
});

describe('a snapshot is left aside, with a word, and removed', () => {
  it.each<[string, Partial<SnapshotOptions>, MemoryReadModelOptions]>([
    ['of another store', { storeId: 'another' }, {}],
    ['of other projections', { foldVersion: 2 }, {}],
    ['from beyond the end of the log', { head: async () => positionAt(999) }, {}],
    ['of a log that is empty', { head: async () => null }, {}],
    ['of a fork of the same store', { eventIdAt: async (position: string) => `other ${position}` }, {}],
    ['at no event of the log', { eventIdAt: async () => null }, {}],
    ['made with another offset', {}, { utcOffset: '+01:00' }],
    ['made with another retention', {}, { retentionMs: HOUR_MS }],
  ])('%s', async (_, snapshot, options) => {
    await saved(1_000);
    expect(await opened(snapshot, options).checkpoint(0)).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
  });

  it('cut off anywhere', async () => {
    await saved(3_000);
    const whole = readFileSync(file);
    for (const length of [0, 3, 19, 20, 300, whole.length >> 1, whole.length - 20, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length));
      expect(await opened({}).checkpoint(0)).toBeNull();
    }
    expect(warnings).toHaveLength(8);
  });

  it('with a byte flipped anywhere', async () => {
    await saved(3_000);
    const whole = readFileSync(file);
    const places = Array.from({ length: 25 }, (_, i) => Math.floor(((whole.length - 1) * i) / 24));
    for (const at of places) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 0x10;
      writeFileSync(file, flipped);
      expect(await opened({}).checkpoint(0)).toBeNull();
    }
    expect(warnings).toHaveLength(25);
  });

  it('and one that cannot be written harms nobody', async () => {
    const model = opened({ file: join(directory, 'no-such-directory', 'file') });
    await fold(model, 1_000);
    expect(await dumpOf(model)).toBe(await freshDump(1_000));
    await model.close();
    expect(warnings).toHaveLength(1);
  });
});
