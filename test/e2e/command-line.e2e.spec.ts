/** `livegift` as a script uses it: what goes to stdout, what to stderr, and the exit code. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, eventually, parseLines } from '../support/api-client.js';
import { repositoryRoot, startEngine, type Engine } from '../support/engine.js';
import { livegift, livegiftWith } from '../support/livegift-cli.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

const HEADER = 'at,room_id,creator_id,viewer_id,coins\n';
const ROWS = Array.from(
  { length: 300 },
  (_, index) => `2016-07-01T01:16:54Z,run-${index % 3},amy-${index % 3},v-${index % 40},7\n`,
);

describe('the command line', () => {
  let engine: Engine;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    engine = await startEngine();
    folder = mkdtempSync(join(tmpdir(), 'livegift-cli-'));
    file = join(folder, 'gifts.csv');
    writeFileSync(file, HEADER + ROWS.join(''));
  });

  afterAll(async () => {
    await engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says how it is used, and exits 2 when it is used otherwise', async () => {
    expect(await livegift('--help')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('import') });
    for (const wrong of [[], ['imports'], ['import'], ['audit', '--fast'], ['import', file, '--api', 'here']]) {
      expect({ wrong, ...(await livegift(...wrong)) }).toMatchObject({ wrong, exitCode: 2, stdout: '' });
    }
    expect(await livegift('import', join(folder, 'none.csv'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/none\.csv/),
    });
    expect(await livegift('audit', '--data-dir', join(folder, 'none'))).toMatchObject({ exitCode: 2 });
  });

  it('prints its version, which is the one of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as { version: string };
    expect(await livegift('--version')).toEqual({ exitCode: 0, stdout: `livegift ${version}\n`, stderr: '' });
  });

  it('never reads another store than the one asked for, and says which one it reads', async () => {
    const here = { DATA_DIR: engine.dataDir };
    expect(await livegiftWith(here, 'audit')).toMatchObject({
      exitCode: 0,
      stderr: `livegift: auditing ${engine.dataDir} (DATA_DIR)\n`,
    });
    const server = 'esdb://me:hidden@127.0.0.1:1?tls=false';
    const unclear: Record<string, string>[] = [
      { PROFILE: 'cluster' },
      { PROFILE: 'clutser' },
      { EVENTSTORE_URL: server },
    ];
    for (const variables of unclear) {
      for (const verb of [['audit'], ['backup', join(folder, 'never')]]) {
        const run = await livegiftWith({ ...here, ...variables }, ...verb);
        expect({ variables, verb, ...run }).toMatchObject({ variables, verb, exitCode: 2, stdout: '' });
        expect(run.stderr).toMatch(/^livegift: .*(PROFILE|EVENTSTORE_URL).*\n$/);
        expect(run.stderr).not.toContain('hidden');
      }
    }
    const cluster = { ...here, PROFILE: 'cluster', EVENTSTORE_URL: server };
    const backup = await livegiftWith(cluster, 'backup', join(folder, 'never'));
    expect(backup).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('kept by EventStoreDB') });
    const empty = mkdtempSync(join(folder, 'empty-'));
    const audited = await livegift('audit', '--data-dir', empty);
    expect(audited).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/there is no event store/),
    });
  });

  it('imports a file, a longer one after it, and only what is new', async () => {
    const first = await livegift('import', file, '--api', engine.url);
    expect(first).toMatchObject({
      exitCode: 0,
      stderr: `livegift: importing ${file} into ${engine.url} (--api)\n`,
    });
    expect(JSON.parse(first.stdout)).toMatchObject({ rows: 300, accepted: 300 });
    appendFileSync(file, ROWS[0]!);
    const second = await livegift('import', file, '--api', engine.url);
    expect(JSON.parse(second.stdout)).toMatchObject({ rows: 301, accepted: 1, replayed: 300 });
  });

  it('exits 1 when a row is not taken, naming its line', async () => {
    const bad = join(folder, 'bad.csv');
    writeFileSync(
      bad,
      `${HEADER}2016-07-01T01:16:54Z,run-0,somebody-else,v-1,7\n2016-07-01T01:16:54Z,run-0,amy-0,v-1,none\n`,
    );
    const run = await livegift('import', bad, '--api', engine.url);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(
      /^line 2: refused, room-creator-mismatch, Room run-0 belongs to creator amy-0; .* somebody-else$/m,
    );
    expect(run.stderr).toMatch(/^line 3: invalid, coins "none", must be a whole number/m);
    expect(JSON.parse(run.stdout)).toMatchObject({ rows: 2, accepted: 0, refused: 1, invalid: 1 });
  });

  it('takes two spellings of a time as one gift', async () => {
    const cases = join(repositoryRoot(), 'test/fixtures/import');
    const runs = [
      await livegift('import', join(cases, 'spelled-a.csv'), '--api', engine.url),
      await livegift('import', join(cases, 'spelled-b.csv'), '--api', engine.url),
    ];
    expect(runs.map(({ stdout }) => JSON.parse(stdout) as object)).toMatchObject([{ accepted: 1 }, { replayed: 1 }]);
    const line = {
      importId: 'one',
      at: '2016-07-01T01:16:53Z',
      roomId: 'r1',
      creatorId: 'c1',
      viewerId: 'v1',
      coins: 5,
    };
    const statuses: unknown[] = [];
    for (const at of [line.at, '2016-07-01T01:16:53.000Z']) {
      const { body } = await new ApiClient(engine.url).lines('/v1/history/import', [{ ...line, at }]);
      statuses.push(body[0]!['status']);
    }
    expect(statuses).toEqual(['accepted', 'replayed']);
  });

  it('goes on where the engine was killed', async () => {
    const long = join(folder, 'long.csv');
    const rows = Array.from(
      { length: 6_000 },
      (_, n) => `2016-07-02T01:16:54Z,run-9,amy-9,v-${n % 500},${1 + (n % 9)}\n`,
    );
    writeFileSync(long, HEADER + rows.join(''));
    const running = livegift('import', long, '--api', engine.url);
    const api = new ApiClient(engine.url);
    await eventually(
      () => api.get('/v1/rooms/run-9'),
      ({ status }) => status === 200,
    );
    await engine.kill();
    await engine.up();
    const run = await running;
    expect(run.exitCode).toBe(0);
    const { accepted, replayed } = JSON.parse(run.stdout) as { accepted: number; replayed: number };
    expect(accepted + replayed).toBe(6_000);
    const coins = rows.reduce((sum, _, n) => sum + 1 + (n % 9), 0);
    const { position } = JSON.parse(run.stdout) as { position: string };
    expect((await api.get(`/v1/rooms/run-9?after=${position}`)).body).toMatchObject({ giftCount: 6_000, coins });
  });

  it('audits a sound log, running or not, and one that lost a byte', async () => {
    const running = await livegift('audit', '--data-dir', engine.dataDir);
    expect(running.stderr).toBe(`livegift: auditing ${engine.dataDir} (--data-dir)\n`);
    expect(running).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/No finding\.\n$/) });
    await engine.stop();
    expect((await livegift('audit', '--data-dir', engine.dataDir)).exitCode).toBe(0);

    const damaged = join(folder, 'damaged');
    cpSync(engine.dataDir, damaged, { recursive: true });
    const log = join(damaged, 'data.mdb');
    // The letters stand in blocks, and in pages that are no longer in use: change them wherever they are.
    const bytes = readFileSync(log);
    for (let at = bytes.indexOf('amy-9'); at !== -1; at = bytes.indexOf('amy-9', at + 1)) bytes[at] = 'b'.charCodeAt(0);
    writeFileSync(log, bytes);
    const run = await livegift('audit', '--data-dir', damaged, '--json');
    expect(run.exitCode).toBe(1);
    const findings = parseLines<{ rule: string }>(run.stdout);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.every(({ rule }) => rule === 'storage')).toBe(true);
    await engine.up();
  });
});
