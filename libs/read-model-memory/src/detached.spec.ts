import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { detached } from './detached.js';

describe('a detached text', () => {
  it.each(['', 'viewer-1', 'Ärger ÿ', 'Änn ✨ 💎', 'a lone \ud800 surrogate'])('is the same text: %s', (text) => {
    expect(detached(text)).toBe(text);
  });

  it('does not keep what it was cut from', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heldBy = (cut: (block: string) => string): number => {
      collect();
      const before = process.memoryUsage().heapUsed;
      const kept = Array.from({ length: 40 }, (_, i) => cut(Buffer.alloc(500_000, `viewer ${i} `).toString('latin1')));
      collect();
      expect(kept).toHaveLength(40);
      return process.memoryUsage().heapUsed - before;
    };
    expect(heldBy((block) => block.slice(500, 540))).toBeGreaterThan(10_000_000);
    expect(heldBy((block) => detached(block.slice(500, 540)))).toBeLessThan(2_000_000);
  });
});
