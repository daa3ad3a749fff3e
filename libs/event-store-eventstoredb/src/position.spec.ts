import { passedBy, positionOf } from './position.js';

const NOWHERE = 0xffff_ffff_ffff_ffffn;

describe('what a checkpoint vouches for', () => {
  it.each([
    ['a place between events: what stands before it', { commit: 70n, prepare: 0n }, { commit: 70n, prepare: 0n }],
    ['an event: what stands before it, not the event', { commit: 70n, prepare: 70n }, { commit: 70n, prepare: 69n }],
    ['the beginning: nothing', { commit: 0n, prepare: 0n }, null],
    ['the end of all positions: nothing', { commit: NOWHERE, prepare: NOWHERE }, null],
  ])('of %s', (_, checkpoint, passed) => {
    expect(passedBy(checkpoint)).toBe(passed === null ? null : positionOf(passed));
  });

  it('lies before the event, and after every earlier one', () => {
    const passed = passedBy({ commit: 70n, prepare: 70n })!;
    expect(passed < positionOf({ commit: 70n, prepare: 70n })).toBe(true);
    expect(passed > positionOf({ commit: 69n, prepare: 69n })).toBe(true);
  });
});
