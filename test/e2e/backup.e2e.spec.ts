/** `livegift backup` beside a running engine, as an operator uses it; and a copy that was made without it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot, startEngine, type Engine } from '../support/engine.js';
import { livegift } from '../support/livegift-cli.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('livegift backup', () => {
  let engine: Engine;
  let folder: string;

  beforeAll(async () => {
    engine = await startEngine();
    folder = mkdtempSync(join(tmpdir(), 'livegift-backup-'));
    const rows = Array.from({ length: 500 }, (_, n) => `2016-07-01T01:16:54Z,run-1,amy-1,v-${n % 40},7\n`);
    writeFileSync(join(folder, 'gifts.csv'), `at,room_id,creator_id,viewer_id,coins\n${rows.join('')}`);
    await livegift('import', join(folder, 'gifts.csv'), '--api', engine.url);
  });
  afterAll(async () => {
    await engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('copies the directory of a running engine, and the copy passes the audit', async () => {
    const into = join(folder, 'first');
    const run = await livegift('backup', '--data-dir', engine.dataDir, '--json', into);
    expect(run).toMatchObject({ exitCode: 0, stderr: `livegift: backing up ${engine.dataDir} (--data-dir)\n` });
    const manifest = JSON.parse(run.stdout) as { events: number; files: object };
    expect(JSON.parse(readFileSync(join(into, 'backup.json'), 'utf8'))).toEqual(manifest);
    expect(manifest.events).toBeGreaterThan(500);
    expect(Object.keys(manifest.files).sort()).toEqual(['data.mdb', 'deployment.json']);
    expect(await livegift('audit', '--data-dir', into)).toMatchObject({ exitCode: 0 });
  });

  it('says in one line what it has copied', async () => {
    const into = join(folder, 'second');
    const run = await livegift('backup', '--data-dir', engine.dataDir, into);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/second: \d+ events up to \d{16} .*\n$/) });
  });

  it('exits 2 when it is used wrongly, and 1 when the backup cannot be made', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'precious.txt'), 'mine');
    const wrong = [
      ['backup'],
      ['backup', '--data-dir', join(folder, 'none'), join(folder, 'third')],
      ['backup', '--data-dir', engine.dataDir, full],
      ['backup', '--data-dir', engine.dataDir, join(full, 'precious.txt')],
    ];
    for (const args of wrong) {
      const run = await livegift(...args);
      expect({ args, ...run }).toMatchObject({ args, exitCode: 2, stdout: '' });
      expect(run.stderr).not.toMatch(/\n\s+at /);
    }
    expect(readFileSync(join(full, 'precious.txt'), 'utf8')).toBe('mine');
    const damaged = join(folder, 'damaged');
    mkdirSync(damaged);
    writeFileSync(join(damaged, 'data.mdb'), 'no database');
    const run = await livegift('backup', '--data-dir', damaged, join(folder, 'fourth'));
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/^livegift: no backup was made/m),
    });
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(folder, 'fourth'))).toBe(false);
  });

  it.each(['cut off', 'with a part of another time'])('is what a torn copy is not: %s, it is refused', async (how) => {
    const copy = join(folder, how.replaceAll(' ', '-'));
    mkdirSync(copy);
    const bytes = readFileSync(join(engine.dataDir, 'data.mdb'));
    const torn = how === 'cut off' ? bytes.subarray(0, 16 * 4_096) : bytes.fill(0, 2 * 4_096, 40 * 4_096);
    writeFileSync(join(copy, 'data.mdb'), torn);
    const start = await engineOn(copy);
    expect(start).toMatchObject({ exitCode: 1, stdout: '' });
    expect(start.stderr).toMatch(/^livegift: .*data\.mdb: .*damaged.*restore a backup.*\n$/);
    const audit = await livegift('audit', '--data-dir', copy);
    expect(audit).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^FINDING storage: damaged: /) });
    expect(audit.stderr).toMatch(/^livegift: auditing .*\nlivegift: the data is damaged.*\n$/);
  });

  it('shows examples', async () => {
    const run = await livegift('backup', '--help');
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Examples:') });
  });
});

/** Starts the built engine on a directory that it cannot use. */
async function engineOn(dataDir: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const main = join(repositoryRoot(), 'apps/standalone/dist/main.js');
  const env = { ...process.env, LOG_LEVEL: 'warn', PORT: '0', DATA_DIR: dataDir };
  const child = spawn(process.execPath, [main], { env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((done) => child.once('close', (exitCode) => done({ exitCode, stdout, stderr })));
}
