import * as fc from 'fast-check';
import { parseJson } from './json-text.js';

const duplicateIn = (text: string): readonly string[] | null => {
  const parsed = parseJson(text);
  return 'duplicateKey' in parsed ? parsed.duplicateKey : null;
};

describe('parsing JSON without guessing which of two equal keys was meant', () => {
  it.each<[string, readonly string[]]>([
    ['{"coins":1,"coins":1000}', ['coins']],
    ['{"coins":1,"coins":1}', ['coins']],
    ['{"a":{"b":1,"c":2,"b":3}}', ['a', 'b']],
    ['{"a":[{"b":1},{"b":2,"b":3}]}', ['a', '1', 'b']],
    [String.raw`{"a":1,"\u0061":2}`, ['a']],
    ['{"a" \n\t: 1 , "a"\r:2}', ['a']],
    ['{"__proto__":1,"__proto__":2}', ['__proto__']],
    ['{"":1,"":2}', ['']],
    [String.raw`{"\\":1,"a":"\"b\":","\\":2}`, ['\\']],
    ['[{"a":1},{"a":1,"a":1}]', ['1', 'a']],
  ])('names the key of %s', (text, path) => {
    expect(duplicateIn(text)).toEqual(path);
  });

  it.each([
    '{}',
    '[]',
    'null',
    '1',
    '"a:b"',
    '{"a":"a","b":"\\"a\\":1"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    '{"a":"x\\\\","b":":"}',
    '{"__proto__":{"a":1},"constructor":{"a":2}}',
    '{"1":1,"0":2}',
  ])('takes %s as it is', (text) => {
    expect(parseJson(text)).toEqual({ value: JSON.parse(text) as unknown });
  });

  it('takes text that is nested as deeply as it is long', () => {
    const deep = `${'[{"a":'.repeat(5_000)}1${'}]'.repeat(5_000)}`;
    expect(duplicateIn(deep)).toBeNull();
    expect(duplicateIn(deep.replace('1', '{"b":1,"b":2}'))?.at(-1)).toBe('b');
  });

  it.each(['', '{', '{"a":1', "{'a':1}", '{"a":1}}'])('throws a SyntaxError at %j, as JSON.parse does', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  /** Objects as lists of members, so that a key can be there twice; each key escaped or not. */
  const key = fc.constantFrom('a', 'b', 'a"b', '\\', 'é', '', '__proto__');
  const escaped = (text: string): string =>
    `"${text
      .split('')
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')}"`;
  const { value } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.json({ maxDepth: 0 }), tie('object'), tie('list')),
    object: fc
      .array(fc.tuple(key, fc.boolean(), tie('value')), { maxLength: 4 })
      .map((members) => `{${members.map(([k, e, v]) => `${e ? escaped(k) : JSON.stringify(k)} : ${v}`).join(', ')}}`),
    list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' ,')}]`),
  }));

  it('finds a duplicate exactly where a naive reader finds one', () => {
    fc.assert(fc.property(value, (text) => expect(duplicateIn(text) !== null).toBe(hasDuplicate(text))));
  });
});

/** Reads the text character by character, as the grammar says. */
function hasDuplicate(text: string): boolean {
  let at = 0;
  let found = false;
  const space = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    return JSON.parse(text.slice(start, ++at)) as string;
  };
  const read = (): void => {
    space();
    if (text[at] === '{' || text[at] === '[') {
      const close = text[at] === '{' ? '}' : ']';
      const keys = new Set<string>();
      for (at++, space(); text[at] !== close; space()) {
        if (text[at] === ',') at++;
        space();
        if (close === '}') {
          const name = string();
          if (keys.has(name)) found = true;
          keys.add(name);
          space();
          at++;
        }
        read();
      }
      at++;
    } else if (text[at] === '"') string();
    else while (at < text.length && !/[\s,\]}]/.test(text[at]!)) at++;
  };
  read();
  return found;
}
