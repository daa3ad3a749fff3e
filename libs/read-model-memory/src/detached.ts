const LATIN1 = /^[\0-\xff]*$/;

/**
 * A copy with memory of its own. What a decoder hands out may be a slice of a whole block's text: keeping one id would keep
 * all of that block for ever.
 */
export function detached(text: string): string {
  const encoding = LATIN1.test(text) ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}
