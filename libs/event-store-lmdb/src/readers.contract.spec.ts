import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openLmdbEventStore, type LmdbEventStore } from './lmdb-event-store.js';

const COMMITS = 300;
const SNAPSHOT_BYTES = 40_000;

/** Follows the log in another process (the built library), says how far it is, and stays. */
const FOLLOW = `
  import { openLmdbEventReader } from '@livegift/event-store-lmdb';
  const reader = await openLmdbEventReader({ directory: process.argv[1], pollMs: 5 });
  const subscription = await reader.subscribe({ after: null });
  for (;;) console.log((await subscription.next()).through);
`;
/** What a reader must not do: begins a transaction and keeps it. */
const PIN = `
  import { open } from 'lmdb';
  const root = open({ path: process.argv[1], readOnly: true, maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' });
  const blocks = root.openDB({ name: 'blocks', encoding: 'binary', keyEncoding: 'binary' });
  const transaction = blocks.useReadTransaction();
  blocks.getBinary(Buffer.alloc(8), { transaction });
  console.log('pinned');
  setInterval(() => {}, 1000);
`;

/** Hundreds of synced commits: a busy disk takes its time. */
jest.setTimeout(60_000);

describe('readers in other processes', () => {
  let directory: string;
  let store: LmdbEventStore;
  let child: ChildProcess;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-readers-'));
    store = await openLmdbEventStore({ directory });
    await append(0);
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const append = async (n: number): Promise<string> => {
    const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
    const event = { id: `id-${n}`, type: 'SomethingHappened', schemaVersion: 1, data: { n }, metadata };
    return (await store.append('stream', [event], n === 0 ? 'no-stream' : n - 1)).positions[0]!;
  };
  const start = (script: string): AsyncIterator<string> => {
    child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  };
  /** Each commit replaces a snapshot: pages are freed and used again, unless somebody still looks at them. */
  const overwrite = async (commits: number): Promise<number> => {
    const position = (await store.head())!;
    for (let revision = 0; revision < commits; revision++) {
      await store.saveSnapshot('wallet', {
        stateVersion: 1,
        revision,
        position,
        bytes: new Uint8Array(SNAPSHOT_BYTES),
      });
    }
    return statSync(join(directory, 'data.mdb')).size;
  };

  it('follow the log and do not make the file grow', async () => {
    const lines = start(FOLLOW);
    await lines.next();
    const size = await overwrite(10);
    expect(await overwrite(COMMITS)).toBeLessThan(size + 10 * SNAPSHOT_BYTES);
    const position = await append(1);
    for (let through = ''; through < position;) through = (await lines.next()).value as string;
  });

  it('are forgotten once they were killed in the middle of a transaction', async () => {
    await start(PIN).next();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await overwrite(COMMITS);
    const size = await overwrite(10);
    expect(await overwrite(COMMITS)).toBeLessThan(size + 10 * SNAPSHOT_BYTES);
  });
});
