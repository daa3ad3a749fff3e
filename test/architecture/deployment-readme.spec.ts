import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

describe('infra/README.md', () => {
  const sources = ['apps', 'libs']
    .flatMap((top) => readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\](node_modules|dist)[/\\]|\.spec\.ts$/.test(path))
    .map((path) => readFileSync(path, 'utf8'));
  const unknownMetrics = (text: string): readonly string[] =>
    [...new Set(text.match(/livegift_\w+/g))].filter(
      (name) => !sources.some((source) => source.includes(`'${name.slice('livegift_'.length)}'`)),
    );

  it('names metrics that there are', () => {
    const text = readFileSync(join(ROOT, 'infra/README.md'), 'utf8');
    expect(text.match(/livegift_\w+/g)!.length).toBeGreaterThan(15);
    expect(unknownMetrics(text)).toEqual([]);
    expect(unknownMetrics('`livegift_gifts_lost`')).toEqual(['livegift_gifts_lost']);
  });
});
