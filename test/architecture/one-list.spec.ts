import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { readEnvironment } from '@livegift/config';
import { CLOSES, PROBLEMS } from '@livegift/contracts';
import { STREAK_WINDOW_MS_MAX } from '@livegift/domain';

const ROOT = join(__dirname, '../..');
const LISTS = ['libs/contracts/src/problems.ts', 'libs/contracts/src/closes.ts'];

const files = ['libs', 'apps'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !/\/(node_modules|dist)\//.test(path) && !LISTS.includes(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })),
);

const filesWith = (wanted: RegExp): readonly string[] =>
  files.filter(({ text }) => wanted.test(text)).map(({ path }) => path);

describe('what clients rely on has one list', () => {
  it('of problems: no other file gives a code a title, a status or a type', () => {
    expect(filesWith(/`urn:livegift:problem:\$\{/)).toEqual([]);
    const titles = Object.values(PROBLEMS).map(({ title }) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    expect(filesWith(new RegExp(`title: ['"\`](${titles.join('|')})['"\`]`))).toEqual([]);
    const codes = Object.keys(PROBLEMS).join('|');
    expect(filesWith(new RegExp(`['"]?(${codes})['"]?: (\\{ status|\\[\\d{3},)`))).toEqual([]);
  });

  it('of bounds: no longer streak window can be configured than wallets remember', () => {
    const streakWindowMs = (ms: number): number => readEnvironment({ STREAK_WINDOW_MS: String(ms) }).streakWindowMs;
    expect(streakWindowMs(STREAK_WINDOW_MS_MAX)).toBe(STREAK_WINDOW_MS_MAX);
    expect(() => streakWindowMs(STREAK_WINDOW_MS_MAX + 1)).toThrow('STREAK_WINDOW_MS');
  });

  it('of WebSocket closes: no other file says a code as a number', () => {
    const codes = Object.values(CLOSES).map(({ code }) => code);
    expect(filesWith(new RegExp(`\\b(close\\w*|code|CODES?)\\b[^\\n]{0,30}\\b(${codes.join('|')})\\b`, 'i'))).toEqual(
      [],
    );
  });
});
