/** What a run of the tests says on a machine that has no Redis and no Kafka, and may install none. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../support/engine.js';

// It waits for programs that start on a busy machine; the bound only ends a test that never will.
jest.setTimeout(120_000);

const SUITE = 'test/cluster/lease-redis.contract.spec.ts';

describe('without Redis and Kafka', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'livegift-no-servers-'));
    mkdirSync(join(folder, 'bin'));
    symlinkSync(process.execPath, join(folder, 'bin', 'node'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function runSuite(env: Readonly<Record<string, string>>): Promise<{ exitCode: number | null; said: string }> {
    const root = repositoryRoot();
    const child = spawn(
      process.execPath,
      [join(root, 'node_modules/jest/bin/jest.js'), '--selectProjects', 'contract', '-i', SUITE],
      {
        cwd: root,
        env: {
          HOME: folder,
          PATH: join(folder, 'bin'),
          LIVEGIFT_CACHE_DIR: join(folder, 'cache'),
          LIVEGIFT_INSTALL: 'never',
          ...env,
        },
      },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return new Promise((done) => child.once('close', (exitCode) => done({ exitCode, said })));
  }

  it('the suites that need them are skipped, counted, and named last with the reason', async () => {
    const { exitCode, said } = await runSuite({});
    expect(exitCode).toBe(0);
    expect(said).toMatch(
      /\nskipped .+ \(\d+\): redis-server is not on the PATH: install Redis .+\n0 passed, 0 failed, [1-9]\d* skipped\n/,
    );
  });

  it('in CI they fail, with the reason', async () => {
    const { exitCode, said } = await runSuite({ CI: 'true' });
    expect(exitCode).toBe(1);
    expect(said).toContain('redis-server is not on the PATH');
    expect(said).toMatch(/\n0 passed, 1 failed, 0 skipped\n/);
  });
});
