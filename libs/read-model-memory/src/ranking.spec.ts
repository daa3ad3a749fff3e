import { MemberTable } from './member-table.js';
import { Ranking } from './ranking.js';
import { slicedSort } from './sliced-sort.js';

/** The same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

function sorted(table: MemberTable): number[] {
  return Array.from({ length: table.size }, (_, slot) => slot).sort(
    (a, b) => table.score(b) - table.score(a) || table.reached(a) - table.reached(b),
  );
}

function runToEnd<Result>(steps: Generator<number, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** One gift: the member moves to where its new score belongs. */
function give(table: MemberTable, ranking: Ranking, member: number, amount: number, position: number): void {
  const known = table.find(member);
  if (known >= 0) ranking.remove(known);
  const slot = table.intern(member);
  table.merge(slot, amount, position, position);
  ranking.insert(slot);
}

describe('a ranking', () => {
  it.each([1, 2, 3])('stays as if it were sorted anew after every gift (seed %s)', (seed) => {
    const random = seeded(seed);
    const table = new MemberTable();
    const ranking = new Ranking(table);
    for (let position = 1; position <= 6_000; position++) {
      give(table, ranking, random(random(2) === 0 ? 2_000 : 40), 1 + random(5), position);
      if (position % 500 !== 0) continue;
      const expected = sorted(table);
      expect(ranking.size).toBe(expected.length);
      expect(ranking.slice(1, expected.length)).toEqual(expected);
      for (let i = 0; i < 50; i++) {
        const rank = 1 + random(expected.length);
        expect(ranking.rank(expected[rank - 1]!)).toBe(rank);
        expect(ranking.slice(rank, 7)).toEqual(expected.slice(rank - 1, rank + 6));
      }
    }
  });

  it('takes slots out until nothing is left', () => {
    const table = new MemberTable();
    const ranking = new Ranking(table);
    for (let member = 0; member < 2_000; member++) give(table, ranking, member, 1 + (member % 7), member + 1);
    for (const slot of sorted(table)) ranking.remove(slot);
    expect(ranking.size).toBe(0);
    expect(ranking.slice(1, 10)).toEqual([]);
    ranking.insert(5);
    expect(ranking.slice(1, 10)).toEqual([5]);
  });

  it('notices when a slot is not where its score says', () => {
    const table = new MemberTable();
    const ranking = new Ranking(table);
    for (let member = 0; member < 10; member++) give(table, ranking, member, 10 - member, member + 1);
    table.merge(9, 100, 99, 99);
    expect(() => ranking.remove(9)).toThrow('lost its order');
  });

  it('holds a million members', () => {
    const count = 1_000_000;
    const table = new MemberTable(count);
    for (let member = 0; member < count; member++) table.merge(table.intern(member), count - member, member + 1, 0);
    const ranking = new Ranking(
      table,
      Int32Array.from({ length: count }, (_, slot) => slot),
    );
    const random = seeded(5);
    for (let position = count + 1; position <= count + 20_000; position++) {
      give(table, ranking, random(count), 1 + random(count), position);
    }
    expect(ranking.size).toBe(count);
    let before = ranking.slice(1, 1)[0]!;
    for (const slot of ranking.slice(1, count).slice(1)) {
      if (table.compare(before, slot) >= 0) throw new Error(`${slot} does not stand after ${before}`);
      before = slot;
    }
    for (const rank of [1, 2, 499_999, 777_777, count]) expect(ranking.rank(ranking.slice(rank, 1)[0]!)).toBe(rank);
  });
});

describe('the sliced sort', () => {
  it.each([0, 1, 2, 2_047, 2_048, 2_049, 30_000])('sorts %s numbers, in pieces', (size) => {
    const random = seeded(size + 1);
    const keys = Array.from({ length: size }, () => random(1_000));
    const compare = (a: number, b: number): number => keys[a]! - keys[b]! || a - b;
    const expected = Array.from(keys.keys()).sort(compare);
    expect([...runToEnd(slicedSort(size, compare))]).toEqual(expected);
  });

  it('yields often enough', () => {
    let longest = 0;
    let comparisons = 0;
    const steps = slicedSort(50_000, (a, b) => {
      comparisons++;
      return ((a * 7_919) % 50_000) - ((b * 7_919) % 50_000);
    });
    for (let step = steps.next(); !step.done; step = steps.next()) {
      longest = Math.max(longest, comparisons);
      comparisons = 0;
    }
    expect(longest).toBeLessThan(40_000);
  });
});
