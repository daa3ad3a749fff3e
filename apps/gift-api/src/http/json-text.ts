import { fieldError, pathOf, type FieldError } from '@livegift/contracts';

/** Of a deeply nested body no client needs the whole path. */
const PATH_NAMES_MAX = 16;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;

export type ParsedJson =
  | { readonly value: unknown }
  /** Members from the outermost object to the key that is there twice: `['price', 'currency']`, of a list its index. */
  | { readonly duplicateKey: readonly string[] };

/**
 * As `JSON.parse`, which keeps the last of two equal keys in silence; here that is a refusal. Two keys are equal when they
 * say the same characters, however they are escaped. The usual text costs a count of its keys, and no more.
 * @throws SyntaxError
 */
export function parseJson(text: string): ParsedJson {
  const value: unknown = JSON.parse(text);
  if (keysWritten(text) === keysKept(value)) return { value };
  return { duplicateKey: findDuplicateKey(text) };
}

export const duplicateKeyError = (path: readonly string[]): FieldError =>
  fieldError(pathOf('body', ...path.slice(0, PATH_NAMES_MAX)), 'duplicateKey');

/** Keys in the text, which is valid JSON: strings with a colon behind. */
function keysWritten(text: string): number {
  let keys = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    let end = endOfString(text, start);
    while (text.charCodeAt(++end) <= SPACE);
    if (text.charCodeAt(end) === COLON) keys++;
    start = text.indexOf('"', end);
  }
  return keys;
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

/** Not recursive: a hostile body may be nested as deeply as it is long. */
function keysKept(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  let rest: object[] | null = null;
  for (let object: object | undefined = value; object !== undefined; object = rest?.pop()) {
    const isList = Array.isArray(object);
    for (const name in object) {
      if (!isList) keys++;
      const member = (object as Record<string, unknown>)[name];
      if (typeof member === 'object' && member !== null) (rest ??= []).push(member);
    }
  }
  return keys;
}

interface Level {
  /** Null: a list. */
  readonly keys: Set<string> | null;
  /** Where it has got to: the key, or the index. */
  at: string | number;
}

/** The first key that its object has already, in a text that has one. */
function findDuplicateKey(text: string): readonly string[] {
  const levels: Level[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const level = levels.at(-1);
    if (code === OPEN_BRACE) levels.push({ keys: new Set(), at: '' });
    else if (code === OPEN_BRACKET) levels.push({ keys: null, at: 0 });
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) levels.pop();
    else if (code === COMMA && level !== undefined && typeof level.at === 'number') level.at++;
    else if (code === QUOTE) {
      const end = endOfString(text, i);
      let after = end + 1;
      while (text.charCodeAt(after) <= SPACE) after++;
      if (text.charCodeAt(after) === COLON && level?.keys) {
        const key = JSON.parse(text.slice(i, end + 1)) as string;
        level.at = key;
        if (level.keys.has(key)) return levels.map(({ at }) => String(at));
        level.keys.add(key);
      }
      i = end;
    }
  }
  throw new Error('no key is there twice, but fewer keys were read than are written');
}
