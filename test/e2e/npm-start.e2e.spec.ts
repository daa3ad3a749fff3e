/** `npm start` as a newcomer and a supervisor use it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@livegift/local-servers';
import { eventually } from '../support/api-client.js';
import { repositoryRoot } from '../support/engine.js';

jest.setTimeout(90_000);

const SEEN_MS_MAX = 60_000;

describe('npm start', () => {
  let folder: string;
  let child: ChildProcess | null = null;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'livegift-start-'))));
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (port: number): { readonly words: () => string; readonly ended: Promise<number | null> } => {
    let words = '';
    child = spawn('npm', ['start'], {
      cwd: repositoryRoot(),
      env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'info' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text: Buffer) => (words += text.toString()));
    const ended = new Promise<number | null>((done) => child!.once('exit', (code) => done(code)));
    return { words: () => words, ended };
  };
  const isUp = (port: number): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/health/live`).then(
      () => true,
      () => false,
    );

  it.each(['SIGTERM', 'SIGINT'] as const)('ends the engine when its own pid gets %s', async (signal) => {
    const port = await freePort();
    const { ended } = start(port);
    await eventually(() => isUp(port), Boolean, SEEN_MS_MAX);
    child!.kill(signal);
    await ended;
    await eventually(
      () => isUp(port),
      (up) => !up,
      SEEN_MS_MAX,
    );
  });

  it('says that the port is taken before it writes anything', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => taken.once('listening', listening));
    const { port } = taken.address() as AddressInfo;
    const { words, ended } = start(port);
    expect(await ended).toBe(1);
    expect(words()).toContain(`livegift: cannot listen on 127.0.0.1:${port}: another process listens there`);
    expect(words()).not.toMatch(/\n\s+at /);
    expect(existsSync(join(folder, 'data'))).toBe(false);
    taken.close();
  });
});
