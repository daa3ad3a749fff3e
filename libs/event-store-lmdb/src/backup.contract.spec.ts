import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '@livegift/kernel';
import { backUpEventStore, checkBackup } from './backup.js';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

const event = (n: number): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  data: { n, pad: 'x'.repeat(100) },
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});

describe('a backup', () => {
  let folder: string;
  let directory: string;
  let into: string;
  let store: LmdbEventStore;
  let appended = 0;

  const append = async (): Promise<void> => {
    const n = appended++;
    await store.append(`stream-${n}`, [event(n), event(n)], 'no-stream');
  };
  const backUp = (companions: string[] = []) =>
    backUpEventStore({ directory, into, engineVersion: '1.2.3', madeAt: '2026-03-01T12:00:00.000Z', companions });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'livegift-backup-'));
    directory = join(folder, 'data');
    into = join(folder, 'backup');
    appended = 0;
    store = await openLmdbEventStore({ directory });
    for (let n = 0; n < 50; n++) await append();
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds the log as it was at one moment while appends go on, and the files that belong to it', async () => {
    writeFileSync(join(directory, 'deployment.json'), '{"boardUtcOffset":"+00:00"}');
    const going = { on: true };
    const writer = (async () => {
      while (going.on) await append();
    })();
    const before = Number(await store.head());
    const manifest = await backUp(['deployment.json', 'absent.json']);
    going.on = false;
    await writer;
    expect(manifest).toMatchObject({ storeId: store.storeId, engineVersion: '1.2.3', events: Number(manifest.head) });
    expect(manifest.events).toBeGreaterThanOrEqual(before);
    expect(readdirSync(into).sort()).toEqual(['backup.json', 'data.mdb', 'deployment.json']);
    expect(await checkBackup(into)).toEqual(manifest);
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    cpSync(join(into, 'data.mdb'), join(copy, 'data.mdb'));
    const restored = await openLmdbEventStore({ directory: copy });
    const limit = 10_000;
    expect(await restored.readAll({ limit })).toEqual((await store.readAll({ limit })).slice(0, manifest.events));
    await restored.close();
  });

  it('is readable by its owner only', async () => {
    await backUp();
    expect(statSync(into).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(into)) expect(statSync(join(into, name)).mode & 0o777).toBe(0o600);
  });

  it('is not made in a directory that holds anything, which it leaves alone', async () => {
    mkdirSync(into);
    writeFileSync(join(into, 'precious.txt'), 'mine');
    await expect(backUp()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('not empty'),
    });
    expect(readdirSync(into)).toEqual(['precious.txt']);
  });

  it('of a damaged log is refused, and leaves nothing behind', async () => {
    await store.close();
    const file = join(directory, 'data.mdb');
    const bytes = readFileSync(file);
    // Some of them are in pages that are free by now.
    for (let at = -1; (at = bytes.indexOf('x'.repeat(100), at + 1)) !== -1;) bytes.write('y', at);
    writeFileSync(file, bytes);
    await expect(backUp()).rejects.toMatchObject({ code: 'damaged' });
    expect(existsSync(into)).toBe(false);
  });

  it('is refused when a file was changed, cut or removed, or when it was never finished', async () => {
    await backUp();
    const file = join(into, 'data.mdb');
    const whole = readFileSync(file);
    const changed = Buffer.from(whole);
    changed.writeUInt8(changed.readUInt8(9_000) ^ 1, 9_000);
    for (const bytes of [changed, whole.subarray(0, whole.length - 4_096)]) {
      writeFileSync(file, bytes);
      await expect(checkBackup(into)).rejects.toMatchObject({ code: 'damaged' });
    }
    rmSync(file);
    await expect(checkBackup(into)).rejects.toMatchObject({ code: 'damaged' });
    writeFileSync(file, whole);
    await checkBackup(into);
    rmSync(join(into, 'backup.json'));
    await expect(checkBackup(into)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
