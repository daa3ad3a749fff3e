import { RandomUuids } from './random-uuids.js';

describe('random UUIDs', () => {
  const uuids = new RandomUuids();
  const made = Array.from({ length: 10_000 }, () => uuids.next());

  it('are of version 4 as RFC 9562 writes them', () => {
    const wrong = made.filter((uuid) => !/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(uuid));
    expect(wrong).toEqual([]);
  });

  it('never come twice, and take every digit at every place that is free', () => {
    expect(new Set(made).size).toBe(made.length);
    const fixed = new Set([8, 13, 14, 18, 19, 23]);
    for (let place = 0; place < 36; place++) {
      if (!fixed.has(place)) expect(new Set(made.map((uuid) => uuid[place])).size).toBe(16);
    }
  });
});
