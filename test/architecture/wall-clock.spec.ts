import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const ROOT = join(__dirname, '../..');

/** Files that may ask what time it is: none measures a duration by it, but the age of a file that another process touches. */
const MAY_READ: readonly (string | RegExp)[] = [
  'libs/process/src/outside.ts',
  'libs/event-store-lmdb/src/lmdb-event-store.ts',
  'libs/event-store-lmdb/src/directory-lock.ts',
  'libs/event-store-lmdb/src/open-log.ts',
  /^apps\/cli\/src\/[a-z-]+\/[a-z-]+\.verb\.ts$/,
  'apps/cli/src/demo.ts',
];

const mayRead = (path: string): boolean =>
  MAY_READ.some((known) => (typeof known === 'string' ? known === path : known.test(path)));

const WALL_CLOCK = /\bDate\.now\b|\bnew Date\(\s*\)/;

const readsWallClock = (text: string): boolean =>
  WALL_CLOCK.test(text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, ''));

function sources(): readonly string[] {
  return ['libs', 'apps', 'infra/local'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.spec\.tsx?$/.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !/\/(node_modules|dist)\//.test(path)),
  );
}

describe('the wall clock', () => {
  it('is read only where the time of day is meant: durations are measured on a monotonic clock', () => {
    const readers = sources().filter((path) => readsWallClock(readFileSync(join(ROOT, path), 'utf8')));
    expect(readers.filter((path) => !mayRead(path))).toEqual([]);
  });

  it.each([
    ['const end = Date.now() + 1_000;', true],
    ['retry({ now: Date.now });', true],
    ['const since = new Date();', true],
    ['const end = performance.now() + 1_000;', false],
    ['// Date.now() would jump', false],
    ['new Date(event.recordedAt)', false],
  ])('is found in: %s: %s', (text, isFound) => {
    expect(readsWallClock(text)).toBe(isFound);
  });
});
