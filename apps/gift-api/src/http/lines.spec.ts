import { BulkGiftLineBody } from './bodies/bulk-gift-line.body.js';
import { readLines } from './lines.js';
import { compileValidator } from './validation/compiled-validator.js';

const validate = compileValidator(BulkGiftLineBody, 'body');
const LINES = 10_000;
const JUNK = `{${Array.from({ length: 60 }, (_, field) => `"f${field}":${field}`).join(',')}}\n`;

describe('reading lines', () => {
  it('gives others their turn while a body of junk is read, and answers each line in order', async () => {
    let turns = 0;
    let reading = true;
    const others = (): void => {
      turns++;
      if (reading) setImmediate(others);
    };
    setImmediate(others);
    const { valid, invalid } = await readLines(Buffer.from(JUNK.repeat(LINES)), LINES, validate);
    reading = false;
    // In one go it would have been none: nothing else runs before it resolves.
    expect(turns).toBeGreaterThan(1);
    expect(valid).toEqual([]);
    expect(invalid.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (_, index) => index + 1));
  });

  it('says a few of the errors of one line, however many it has', async () => {
    const { invalid } = await readLines(Buffer.from(JUNK), 1, validate);
    expect(invalid[0]!.errors).toHaveLength(5);
  });
});
