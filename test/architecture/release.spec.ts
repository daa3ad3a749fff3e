import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '../..');
const NOTES = '### Features\n\n- A new thing.\n';

describe('infra/release.mjs', () => {
  let repository: string;

  const env = {
    ...process.env,
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.example',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.example',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: repository, env, encoding: 'utf8' }).trim();
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  };
  const putJson = (path: string, value: object): void => put(path, `${JSON.stringify(value, null, 2)}\n`);
  const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
  const release = (...args: readonly string[]): { status: number | null; stderr: string; stdout: string } =>
    spawnSync(process.execPath, ['infra/release.mjs', ...args], { cwd: repository, env, encoding: 'utf8' });

  beforeEach(() => {
    repository = mkdtempSync(join(tmpdir(), 'livegift-release-'));
    git('init', '--quiet');
    putJson('package.json', { name: 'livegift', version: '0.1.0', workspaces: ['libs/*', 'apps/*'] });
    putJson('libs/a/package.json', { name: '@livegift/a', version: '0.1.0' });
    putJson('apps/b/package.json', {
      name: '@livegift/b',
      version: '0.1.0',
      dependencies: { '@livegift/a': '0.1.0', pino: '0.1.0' },
    });
    putJson('package-lock.json', {
      name: 'livegift',
      version: '0.1.0',
      packages: {
        '': { name: 'livegift', version: '0.1.0' },
        'libs/a': { name: '@livegift/a', version: '0.1.0' },
        'apps/b': { name: '@livegift/b', version: '0.1.0', dependencies: { '@livegift/a': '0.1.0', pino: '0.1.0' } },
        'node_modules/@livegift/a': { resolved: 'libs/a', link: true },
        'node_modules/pino': { version: '0.1.0' },
      },
    });
    put('infra/compose.yml', 'image: livegift:0.1.0\nother: redis:0.1.0\n');
    put('infra/kustomization.yaml', 'newTag: 0.1.0\n');
    put('CHANGELOG.md', `# Changelog\n\n## Unreleased\n\n${NOTES}`);
    cpSync(join(ROOT, 'infra/release.mjs'), join(repository, 'infra/release.mjs'));
    git('add', '--all');
    git('commit', '--quiet', '--message', 'Begin');
  });
  afterEach(() => rmSync(repository, { recursive: true }));

  it('writes the version everywhere, commits, and makes an annotated tag with the changelog', () => {
    expect(release('0.2.0')).toMatchObject({ status: 0, stdout: expect.stringContaining('tagged v0.2.0') });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '-1', '--format=%s')).toBe('Release 0.2.0');
    expect(git('cat-file', '-t', 'v0.2.0')).toBe('tag');
    expect(git('tag', '--list', '--format=%(contents)', 'v0.2.0')).toBe(`v0.2.0\n\n${NOTES.trim()}`);
    for (const path of ['package.json', 'libs/a/package.json', 'apps/b/package.json']) {
      expect(JSON.parse(read(path))).toMatchObject({ version: '0.2.0' });
    }
    const dependencies = { '@livegift/a': '0.2.0', pino: '0.1.0' };
    expect(JSON.parse(read('apps/b/package.json'))).toMatchObject({ dependencies });
    expect(JSON.parse(read('package-lock.json'))).toMatchObject({
      version: '0.2.0',
      packages: {
        '': { version: '0.2.0' },
        'apps/b': { version: '0.2.0', dependencies },
        'node_modules/pino': { version: '0.1.0' },
      },
    });
    expect(read('infra/compose.yml')).toBe('image: livegift:0.2.0\nother: redis:0.1.0\n');
    expect(read('infra/kustomization.yaml')).toBe('newTag: 0.2.0\n');
    expect(read('CHANGELOG.md')).toMatch(/^## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n### Features/m);
  });

  it('releases the present version when it has no tag yet', () => {
    expect(release('0.1.0')).toMatchObject({ status: 0 });
    expect(git('tag', '--list')).toBe('v0.1.0');
  });

  it.each<[string, string[], () => void, RegExp]>([
    ['without a version', [], () => {}, /which version/],
    ['a version that is none', ['v2'], () => {}, /which version/],
    ['a lower version', ['0.0.9'], () => {}, /lower than 0\.1\.0/],
    ['changes that are not committed', ['0.2.0'], () => put('new.txt', 'x'), /has changes/],
    ['a tag that exists', ['0.2.0'], () => git('tag', 'v0.2.0'), /exists already/],
    [
      'a package of another version',
      ['0.2.0'],
      () => {
        putJson('libs/a/package.json', { version: '0.1.1' });
        git('commit', '--quiet', '--all', '--message', 'x');
      },
      /libs\/a\/package\.json does not have version 0\.1\.0/,
    ],
    [
      'an empty changelog',
      ['0.2.0'],
      () => {
        put('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- Old.\n');
        git('commit', '--quiet', '--all', '--message', 'x');
      },
      /no entry under "Unreleased"/,
    ],
  ])('refuses %s, and changes nothing', (_, args, prepare, message) => {
    prepare();
    const before = [git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag', '--list')];
    expect(release(...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(message) });
    expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag', '--list')]).toEqual(before);
  });
});

describe('the version', () => {
  it('is the same in every workspace', () => {
    const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
    const paths = ['package.json', ...workspaces.map((each) => `${each}/package.json`)];
    const list = execFileSync('git', ['ls-files', ...paths], { cwd: ROOT, encoding: 'utf8' });
    const versions = list
      .trim()
      .split('\n')
      .map((path) => (JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as { readonly version: string }).version);
    expect(new Set(versions).size).toBe(1);
  });
});
