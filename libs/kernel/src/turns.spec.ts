import { Turns } from './turns.js';

describe('turns of the event loop', () => {
  it('are given one at a time, in the order of asking', async () => {
    const loop: (() => void)[] = [];
    const turns = new Turns(() => new Promise((resolve) => loop.push(resolve)));
    const taken: string[] = [];
    const works = ['a', 'b', 'c'].map(async (name) => {
      await turns.take();
      taken.push(name);
    });
    const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(() => setImmediate(resolve)));
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await settled();
      expect(loop).toHaveLength(1);
      loop.pop()!();
      await settled();
      expect(taken).toEqual(expected);
    }
    await Promise.all(works);
  });
});
