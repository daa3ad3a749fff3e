import { RecentlyUsed } from './recently-used.js';

describe('recently used', () => {
  it('never holds more than its bound, and keeps what is used', () => {
    const values = new RecentlyUsed<number>(10);
    values.set('kept', -1);
    for (let i = 0; i < 1_000; i++) {
      values.set(`key-${i}`, i);
      expect(values.size).toBeLessThanOrEqual(10);
      expect(values.get('kept')).toBe(-1);
      expect(values.get(`key-${i}`)).toBe(i);
    }
    expect(values.get('key-0')).toBeUndefined();
  });

  it('has one value a key, the newest, in either generation', () => {
    const values = new RecentlyUsed<number>(4);
    values.set('a', 1);
    values.set('b', 2);
    values.set('a', 3);
    expect(values.get('a')).toBe(3);
    expect(values.size).toBe(2);
    values.delete('a');
    values.delete('b');
    expect(values.size).toBe(0);
    expect(values.get('a')).toBeUndefined();
  });
});
