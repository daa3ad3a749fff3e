import type { Decider, DomainEvent } from '@livegift/kernel';
import { scenarioOf } from './given-when-then.js';

type Counted = DomainEvent<'Counted', { readonly by: number; readonly total: number; readonly note?: string }>;

/** Counts up by a number, twice when told so, and refuses to go beyond ten. */
const counter: Decider<number, { by: number; twice?: boolean }, Counted, 'too-much'> = {
  initialState: 0,
  decide: ({ by, twice }, total) => {
    if (total + by > 10) return { refused: 'too-much', details: { total, by } };
    const first = counted(by, total + by);
    return twice ? [first, counted(by, total + by + by)] : [first];
  },
  evolve: (_total, event) => event.data.total,
};

function counted(by: number, total: number): Counted {
  return { type: 'Counted', schemaVersion: 1, data: { by, total } };
}

const given = scenarioOf(counter);

describe('given, when, then', () => {
  it('passes when the events are the same', () => {
    given(counted(1, 1)).when({ by: 2, twice: true }).then(counted(2, 3), counted(2, 5));
  });

  it('passes when the refusal is the same', () => {
    given(counted(9, 9)).when({ by: 2 }).thenRefused('too-much', { total: 9, by: 2 });
  });

  const twice = () => given(counted(1, 1)).when({ by: 2, twice: true });

  it.each<[string, () => void]>([
    ['reversed order', () => twice().then(counted(2, 5), counted(2, 3))],
    ['one event too few', () => twice().then(counted(2, 3))],
    ['one event too many', () => twice().then(counted(2, 3), counted(2, 5), counted(2, 7))],
    ['no event', () => twice().then()],
    ['another value', () => twice().then(counted(2, 3), counted(2, 6))],
    [
      'an extra field expected',
      () => twice().then(counted(2, 3), { ...counted(2, 5), data: { by: 2, total: 5, note: 'x' } }),
    ],
    [
      'an extra field that is undefined',
      () => twice().then(counted(2, 3), { ...counted(2, 5), data: { by: 2, total: 5, note: undefined } }),
    ],
    ['a refusal instead', () => twice().thenRefused('too-much')],
    ['events instead of a refusal', () => given(counted(9, 9)).when({ by: 2 }).then(counted(2, 11))],
    ['a refusal without its details', () => given(counted(9, 9)).when({ by: 2 }).thenRefused('too-much')],
  ])('fails on %s', (_what, check) => {
    expect(check).toThrow(/strictly deep-equal/);
  });

  it('fails on an extra field in what was decided', () => {
    const chatty: typeof counter = {
      ...counter,
      decide: () => [{ ...counted(1, 1), data: { by: 1, total: 1, note: 'x' } }],
    };
    expect(() => scenarioOf(chatty)().when({ by: 1 }).then(counted(1, 1))).toThrow(/strictly deep-equal/);
  });
});
