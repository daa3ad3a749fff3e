import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { detached } from './detached.js';

describe('a detached text', () => {
  it.each(['', 'viewer-1', 'Ärger ÿ', 'Änn ✨ 💎', 'a lone \ud800 surrogate'])('is the same text: %s', (text) => {
    expect(detached(text)).toBe(text);
  });

  it('does not keep what it was cut from', () => {
    const [cut, kept] = bytesHeld();
    expect(cut).toBeGreaterThan(10_000_000);
    expect(kept).toBeLessThan(2_000_000);
  });
});

/** Heap that forty short cuts of long texts hold, as they are and detached; in a process whose heap is its own. */
function bytesHeld(): readonly number[] {
  const built = pathToFileURL(join(__dirname, '../dist/detached.js')).href;
  const program = `
    import { detached } from ${JSON.stringify(built)};
    const heldBy = (cut) => {
      gc();
      const before = process.memoryUsage().heapUsed;
      const kept = Array.from({ length: 40 }, (_, i) => cut(Buffer.alloc(500_000, 'viewer ' + i).toString('latin1')));
      gc();
      return kept.length === 40 ? process.memoryUsage().heapUsed - before : NaN;
    };
    const cut = heldBy((block) => block.slice(500, 540));
    console.log(JSON.stringify([cut, heldBy((block) => detached(block.slice(500, 540)))]));`;
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program]);
  return JSON.parse(output.toString()) as number[];
}
