import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openLmdbEventReader } from './lmdb-event-reader.js';

/** Processes start, and some wait for another's silence: the bound only ends a test that never would. */
jest.setTimeout(120_000);

/** Opens the store (the built library), and does what each line of its input says; answers each with a line of JSON. */
const WRITER = `
  import { createInterface } from 'node:readline';
  import { openLmdbEventStore } from '@livegift/event-store-lmdb';
  const say = (answer) => console.log(JSON.stringify(answer));
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
  const event = (data) => ({ id: crypto.randomUUID(), type: 'SomethingHappened', schemaVersion: 1, data, metadata });
  const trouble = ({ code, message }) => ({ code, message });
  let lost = null;
  try {
    const store = await openLmdbEventStore({ directory: process.argv[1], onLost: (error) => (lost = trouble(error)) });
    say({ opened: true, pid: process.pid });
    for await (const line of createInterface({ input: process.stdin })) {
      const [verb, name] = line.split(' ');
      if (verb === 'close') { await store.close(); say({ closed: true }); process.exit(0); }
      if (verb === 'lost') say({ lost, obstacle: store.appendObstacle() });
      if (verb === 'append') {
        say(await store.append(name, [event({ name })], 'no-stream').then(({ positions }) => ({ positions }), trouble));
      }
    }
  } catch (error) {
    say(trouble(error));
  }
`;
/** Reads the log once, and stays until its input ends. */
const READER = `
  import { openLmdbEventReader } from '@livegift/event-store-lmdb';
  try {
    const reader = await openLmdbEventReader({ directory: process.argv[1] });
    console.log(JSON.stringify({ pid: process.pid, events: (await reader.readAll({ limit: 100 })).length }));
    process.stdin.once('end', () => reader.close()).resume();
  } catch ({ code, message }) {
    console.log(JSON.stringify({ code, message }));
  }
`;
const IN_A_NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

type Answer = Readonly<Record<string, unknown>>;

/** A process that has the store open, or said why it has not. */
class Writer {
  readonly #lines: AsyncIterator<string>;

  constructor(readonly child: ChildProcess) {
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  async answer(): Promise<Answer> {
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value) as Answer;
  }

  async ask(line: string): Promise<Answer> {
    this.child.stdin!.write(`${line}\n`);
    return await this.answer();
  }

  async kill(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

describe('the ownership of a store', () => {
  let directory: string;
  let lockFile: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-owner-'));
    lockFile = join(directory, 'writer.lock');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const start = (around: readonly string[] = [], script = WRITER): Writer => {
    const [command, ...args] = [...around, process.execPath, '--input-type=module', '-e', script, directory];
    const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return new Writer(child);
  };
  /** As if the holder were on a machine that this one cannot ask. */
  const pretendAnotherKernel = (): void => {
    const holder = JSON.parse(readFileSync(lockFile, 'utf8')) as object;
    writeFileSync(lockFile, JSON.stringify({ ...holder, kernel: 'another kernel', host: 'first-host' }));
  };
  const names = async (): Promise<unknown[]> => {
    const reader = await openLmdbEventReader({ directory });
    const events = await reader.readAll({ limit: 100 });
    for await (const { damage } of reader.verify()) expect(damage).toBeNull();
    await reader.close();
    return events.map(({ data }) => (data as { name: string }).name);
  };

  it('cannot be used by a process that was stopped while another took over', async () => {
    const first = start();
    expect(await first.answer()).toMatchObject({ opened: true });
    expect(await first.ask('append one')).toHaveProperty('positions');
    first.child.kill('SIGSTOP');
    pretendAnotherKernel();
    const second = start();
    expect(await second.answer()).toMatchObject({ opened: true });
    expect(await second.ask('append two')).toEqual({ positions: ['0000000000000002'] });
    first.child.kill('SIGCONT');
    const refusal = { code: 'unavailable', message: expect.stringContaining(`process ${second.child.pid} on`) };
    expect(await first.ask('append three')).toMatchObject(refusal);
    expect(await first.ask('append four')).toMatchObject(refusal);
    expect(await first.ask('lost')).toMatchObject({ lost: refusal, obstacle: refusal.message });
    expect(await second.ask('append five')).toEqual({ positions: ['0000000000000003'] });
    expect(await first.ask('close')).toEqual({ closed: true });
    expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toMatchObject({ pid: second.child.pid });
    expect(await second.ask('append six')).toEqual({ positions: ['0000000000000004'] });
    expect(await names()).toEqual(['one', 'two', 'five', 'six']);
  });

  it('is noticed as lost by a process that has nothing to write', async () => {
    const first = start();
    await first.answer();
    first.child.kill('SIGSTOP');
    pretendAnotherKernel();
    await start().answer();
    first.child.kill('SIGCONT');
    for (let lost: unknown = null; lost === null;) ({ lost } = await first.ask('lost'));
  });

  it('stays with a process that is stopped and can be asked', async () => {
    const first = start();
    await first.answer();
    first.child.kill('SIGSTOP');
    expect(await start().answer()).toMatchObject({ code: 'held' });
    first.child.kill('SIGCONT');
    expect(await first.ask('append one')).toHaveProperty('positions');
  });

  it('stays with a process whose lock file was removed by hand', async () => {
    const first = start();
    await first.answer();
    unlinkSync(lockFile);
    expect(await start().answer()).toMatchObject({ code: 'held', message: expect.stringContaining('process') });
    expect(await first.ask('append one')).toHaveProperty('positions');
  });

  const inNamespaces = 'in PID namespaces of their own, each with the same pid,';
  const [describeInNamespaces, missing] = hasNamespaces()
    ? [describe, '']
    : [describe.skip, ' [missing: unshare, and the right to use it]'];
  describeInNamespaces(`${inNamespaces}${missing}`, () => {
    it('stays with the first while it lives, and passes on at once when it was killed', async () => {
      const first = start(IN_A_NAMESPACE);
      expect(await first.answer()).toEqual({ opened: true, pid: 1 });
      expect(await first.ask('append one')).toHaveProperty('positions');
      for (const around of [IN_A_NAMESPACE, []]) {
        const refusal = { code: 'held', message: expect.stringContaining('process 1 on') };
        expect(await start(around).answer()).toMatchObject(refusal);
        expect(existsSync(lockFile)).toBe(true);
      }
      expect(await first.ask('append two')).toHaveProperty('positions');
      await first.kill();
      const killedMs = performance.now();
      const second = start(IN_A_NAMESPACE);
      expect(await second.answer()).toEqual({ opened: true, pid: 1 });
      expect(performance.now() - killedMs).toBeLessThan(10_000);
      expect(await second.ask('append three')).toHaveProperty('positions');
      expect(await second.ask('close')).toEqual({ closed: true });
      expect(await names()).toEqual(['one', 'two', 'three']);
    });

    it('is no harm to a reader, and a reader is none to it, whichever comes first', async () => {
      const writer = start(IN_A_NAMESPACE);
      await writer.answer();
      await writer.ask('append one');
      const samePid = { code: 'unavailable', message: expect.stringMatching(/PID namespace/) };
      expect(await start(IN_A_NAMESPACE, READER).answer()).toMatchObject(samePid);
      expect(await start([], READER).answer()).toMatchObject({ events: 1 });
      expect(await writer.ask('append two')).toHaveProperty('positions');
      expect(await writer.ask('close')).toEqual({ closed: true });
      const reader = start(IN_A_NAMESPACE, READER);
      expect(await reader.answer()).toEqual({ pid: 1, events: 2 });
      const late = start(IN_A_NAMESPACE);
      expect(await late.answer()).toMatchObject(samePid);
      await once(late.child, 'exit');
      expect(existsSync(lockFile)).toBe(false);
      await reader.kill();
      expect(await start(IN_A_NAMESPACE).answer()).toEqual({ opened: true, pid: 1 });
    });
  });
});

function hasNamespaces(): boolean {
  return existsSync('/usr/bin/unshare') && process.getuid?.() === 0;
}
