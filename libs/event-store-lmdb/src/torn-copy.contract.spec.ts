import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** Copies of a file of some MB are made and opened; the bound only ends a test that never would. */
jest.setTimeout(240_000);

const COPIES = 12;
const CHUNK_BYTES = 1024 * 1024;
const PAGE_BYTES = 4_096;

/** Appends for ever to a store with small memory, so that its index is rewritten all the time. */
const WRITER = `
  import { openLmdbEventStore } from '@livegift/event-store-lmdb';
  const store = await openLmdbEventStore({ directory: process.argv[1], indexInMemoryEvents: 1024 });
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
  const revisions = new Map();
  for (let n = 1, round = 0; ; round++) {
    const appends = [];
    for (let i = 0; i < 400; i++, n++) {
      const stream = 'wallet-' + ((n * 7919) % 3001);
      const revision = revisions.get(stream) ?? -1;
      revisions.set(stream, revision + 1);
      const event = { id: crypto.randomUUID(), type: 'Happened', schemaVersion: 1, data: { n, pad: 'x'.repeat(60) }, metadata };
      appends.push(store.append(stream, [event], revision < 0 ? 'no-stream' : revision));
    }
    await Promise.all(appends);
    store.saveCheckpoint('consumer', await store.head());
    if (round % 5 === 0) {
      const bytes = new Uint8Array(3000 + (round % 50) * 400);
      await store.saveSnapshot('wallet', { stateVersion: 1, revision: round, position: await store.head(), bytes });
    }
    console.log(n);
  }
`;
/** Opens each directory that it reads a line about, and says how that went: the code of the error, or what it found. */
const OPENER = `
  import { createInterface } from 'node:readline';
  import { openLmdbEventStore, openLmdbEventReader } from '@livegift/event-store-lmdb';
  const read = async (log) => {
    const revisions = new Map();
    let n = 0;
    for (let after = null; ;) {
      const events = await log.readAll({ after, limit: 5000 });
      if (events.length === 0) break;
      for (const event of events) {
        if (event.data.n !== ++n || Number(event.position) !== n) return 'wrong event';
        if ((revisions.get(event.stream) ?? -1) + 1 !== event.revision) return 'wrong revision';
        revisions.set(event.stream, event.revision);
      }
      after = events.at(-1).position;
    }
    for (const [stream, revision] of revisions) {
      const [last] = await log.readStream(stream, { direction: 'backwards', limit: 1 });
      if (last?.revision !== revision) return 'wrong index';
    }
    return 'right';
  };
  const outcome = async (open) => {
    let log = null;
    try {
      log = await open();
      return await read(log);
    } catch ({ code, message }) {
      return code === 'damaged' && /restore a backup|position/.test(message) ? 'damaged' : code + ': ' + message;
    } finally {
      await log?.close();
    }
  };
  for await (const directory of createInterface({ input: process.stdin })) {
    const reader = await outcome(() => openLmdbEventReader({ directory }));
    const writer = await outcome(() => openLmdbEventStore({ directory }));
    console.log(JSON.stringify({ reader, writer }));
  }
`;

interface Outcome {
  readonly reader: string;
  readonly writer: string;
}

describe('a copy of the file of a running store', () => {
  let folder: string;
  let source: string;
  let writer: ChildProcess;
  let opener: ChildProcess;
  let outcomes: AsyncIterator<string>;
  let copies = 0;

  const run = (script: string, ...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--input-type=module', '-e', script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'livegift-torn-'));
    source = join(folder, 'live', 'data.mdb');
    writer = run(WRITER, join(folder, 'live'));
    opener = run(OPENER);
    outcomes = createInterface({ input: opener.stdout! })[Symbol.asyncIterator]();
    for await (const line of createInterface({ input: writer.stdout! })) if (Number(line) > 40_000) break;
    writer.stdout!.resume();
  });
  afterAll(() => {
    writer.kill('SIGKILL');
    opener.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a tool for files copies it: chunk after chunk, while the writer goes on. */
  const copy = async (chunkOrder: 'forwards' | 'backwards' | 'metaLast'): Promise<Buffer> => {
    const from = openSync(source, 'r');
    const { size } = fstatSync(from);
    const bytes = Buffer.alloc(size);
    const chunks = Array.from({ length: Math.ceil(size / CHUNK_BYTES) }, (_, n) => n * CHUNK_BYTES);
    if (chunkOrder === 'backwards') chunks.reverse();
    if (chunkOrder === 'metaLast') chunks.push(chunks.shift()!);
    for (const at of chunks) {
      readSync(from, bytes, at, Math.min(CHUNK_BYTES, size - at), at);
      await pause(Math.random() * 40);
    }
    closeSync(from);
    return bytes;
  };
  const opened = async (bytes: Buffer): Promise<Outcome> => {
    const directory = join(folder, `copy-${copies++}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'data.mdb'), bytes);
    opener.stdin!.write(`${directory}\n`);
    const { value, done } = await outcomes.next();
    rmSync(directory, { recursive: true });
    if (done === true) throw new Error(`the process that opened it ended with ${opener.exitCode ?? opener.signalCode}`);
    return JSON.parse(value as string) as Outcome;
  };
  const EITHER = ['right', 'damaged'];

  it.each(['forwards', 'backwards', 'metaLast'] as const)(
    'made %s is refused as damaged, or is a right store, and never ends the process',
    async (chunkOrder) => {
      const found: Outcome[] = [];
      for (let n = 0; n < COPIES / 3; n++) found.push(await opened(await copy(chunkOrder)));
      for (const { reader, writer: store } of found) {
        expect(EITHER).toContain(reader);
        expect(EITHER).toContain(store);
      }
      expect(found.map((outcome) => outcome.writer)).toContain('damaged');
    },
  );

  it('with pages that are zeroed, swapped, of another time or cut off is refused, or unharmed', async () => {
    const [older, newer] = [await copy('forwards'), await copy('forwards')];
    const pages = older.length / PAGE_BYTES;
    const anyPage = (): number => Math.floor(Math.random() * pages) * PAGE_BYTES;
    const changes: ((bytes: Buffer) => Buffer)[] = [
      (bytes) => bytes.fill(0, anyPage(), anyPage()),
      (bytes) => bytes.subarray(0, anyPage()),
      (bytes) => {
        const [a, b] = [anyPage(), anyPage()];
        const page = Buffer.from(bytes.subarray(a, a + PAGE_BYTES));
        bytes.copy(bytes, a, b, b + PAGE_BYTES);
        page.copy(bytes, b);
        return bytes;
      },
      (bytes) => {
        const at = anyPage();
        newer.copy(bytes, at, at, at + 64 * PAGE_BYTES);
        return bytes;
      },
    ];
    for (let n = 0; n < 2 * changes.length; n++) {
      const { reader, writer: store } = await opened(changes[n % changes.length]!(Buffer.from(older)));
      expect(EITHER).toContain(reader);
      expect(EITHER).toContain(store);
    }
  });
});
