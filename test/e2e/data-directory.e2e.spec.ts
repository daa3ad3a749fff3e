/** What the engine leaves in its data directory, and what it does not follow there. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';

jest.setTimeout(60_000);

const START_MS_MAX = 20_000;

describe('the data directory', () => {
  let folder: string;
  let engine: Engine | null = null;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'livegift-directory-'))));
  afterEach(async () => {
    await engine?.dispose();
    engine = null;
    rmSync(folder, { recursive: true, force: true });
  });

  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('is closed to other users, with every file in it, also with a lax umask and after a restart', async () => {
    const dataDir = join(folder, 'data');
    const umask = process.umask(0);
    try {
      engine = await startEngine({ dataDir, env: { SNAPSHOT_EVERY_EVENTS: '1' } });
      await new ApiClient(engine.url).post('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
      await engine.stop();
      chmodSync(join(dataDir, 'data.mdb'), 0o644);
      chmodSync(dataDir, 0o755);
      await engine.up();
    } finally {
      process.umask(umask);
    }
    expect(modeOf(dataDir)).toBe('700');
    const files = readdirSync(dataDir).filter((name) => !name.endsWith('.sock'));
    expect(files).toEqual(expect.arrayContaining(['data.mdb', 'deployment.json', 'read-model.snapshot']));
    expect(Object.fromEntries(files.map((name) => [name, modeOf(join(dataDir, name))]))).toEqual(
      Object.fromEntries(files.map((name) => [name, '600'])),
    );
  });

  it.each(['data.mdb', 'deployment.json', 'read-model.snapshot', 'read-model.snapshot.new'])(
    'is refused when %s is a symbolic link, and what it leads to stays as it is',
    async (name) => {
      const dataDir = join(folder, 'data');
      const precious = join(folder, 'precious.txt');
      mkdirSync(dataDir);
      writeFileSync(precious, 'mine');
      symlinkSync(precious, join(dataDir, name));
      const starting = startEngine({ dataDir, readyMsMax: START_MS_MAX });
      await expect(starting).rejects.toThrow(/is a symbolic link; links in a data directory are not followed/);
      expect(readFileSync(precious, 'utf8')).toBe('mine');
    },
  );

  it('is refused at once, in one sentence, when it cannot be made', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    for (const dataDir of [file, join(file, 'below')]) {
      const starting = startEngine({ dataDir, readyMsMax: START_MS_MAX });
      await expect(starting).rejects.toThrow(
        /ended with 1 .*\n.*the data directory .* cannot be used: a file is in its place/s,
      );
    }
  });
});
