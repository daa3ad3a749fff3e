import type { Position } from '@livegift/kernel';
import { KeptBudget, KeptState } from './kept-state.js';

const AT = '0000000000000001' as Position;

describe('what a process keeps of all partitions', () => {
  it('is let go when it is too much, also of a partition that is no longer its own, and never in the middle of a batch', () => {
    const budget = new KeptBudget(10);
    const [left, busy] = [new KeptState(budget), new KeptState(budget)];
    for (const state of [left, busy]) state.at = AT;
    left.grow(8);
    budget.trim();
    expect(left.at).toBe(AT);
    busy.isInUse = true;
    busy.grow(8);
    budget.trim();
    expect([left.at, busy.at, busy.outgrown]).toEqual([undefined, AT, true]);
    busy.forget();
    busy.at = AT;
    busy.grow(8);
    budget.trim();
    expect([busy.at, busy.outgrown]).toEqual([AT, false]);
  });
});
