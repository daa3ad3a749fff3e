import * as fc from 'fast-check';
import { renewed, without } from './fair-share.js';
import { LEASE_MEMBERS_MAX, type LeaseMember } from './lease-table.js';

const LEASE_MS = 9_000;
const NONE: ReadonlySet<number> = new Set();

const member = (holder: string, parts: readonly number[], untilMs = LEASE_MS): LeaseMember => ({
  holder,
  untilMs,
  parts,
});

function renew(members: readonly LeaseMember[], holder: string, partCount: number, nowMs = 1): readonly LeaseMember[] {
  return renewed(members, { holder, nowMs, leaseMs: LEASE_MS, partCount, held: NONE })!;
}

const sizes = (members: readonly LeaseMember[]): number[] =>
  members.map(({ parts }) => parts.length).toSorted((a, b) => b - a);

const allOf = (partCount: number): number[] => Array.from({ length: partCount }, (_, part) => part);

const holdersOf = (part: number, members: readonly LeaseMember[]): string[] =>
  members.filter(({ parts }) => parts.includes(part)).map(({ holder }) => holder);

/** Any table that a group could find: shares of any size, parts twice or beyond the count, leases that have ended. */
const anyGroup = fc
  .record({
    partCount: fc.integer({ min: 1, max: 70 }),
    holders: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 9 }),
    strangers: fc.array(
      fc.record({
        name: fc.integer({ min: 0, max: 60 }),
        parts: fc.array(fc.integer({ min: -1, max: 80 }), { maxLength: 70 }),
        untilMs: fc.constantFrom(0, 500, LEASE_MS, 10 * LEASE_MS),
      }),
      { maxLength: 9 },
    ),
  })
  .map(({ partCount, holders, strangers }) => ({
    partCount,
    live: holders.map((name) => `p-${name}`),
    table: [
      ...new Map(
        strangers.map(({ name, parts, untilMs }) => [`p-${name}`, member(`p-${name}`, parts, untilMs)]),
      ).values(),
    ],
  }));

/** Each of `live` renews once, in the order that `order` gives. */
function round(
  table: readonly LeaseMember[],
  live: readonly string[],
  partCount: number,
  nowMs: number,
  order: number,
): readonly LeaseMember[] {
  const turned = [...live.slice(order % live.length), ...live.slice(0, order % live.length)];
  return turned.reduce((members, holder) => renew(members, holder, partCount, nowMs), table);
}

describe('the fair share', () => {
  it('gives the first everything', () => {
    expect(renew([], 'a', 4)).toEqual([member('a', [0, 1, 2, 3], 1 + LEASE_MS)]);
  });

  it('is reached by giving back and then taking', () => {
    let members = renew(renew([], 'a', 5), 'b', 5);
    expect(members.map(({ parts }) => parts)).toEqual([[0, 1, 2, 3, 4], []]);
    members = renew(members, 'a', 5);
    expect(members.map(({ parts }) => parts)).toEqual([[0, 1, 2], []]);
    members = renew(members, 'b', 5);
    expect(members.map(({ parts }) => parts)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it('takes what a dead member had, only after its lease has ended', () => {
    const members = [member('a', [0, 1], 1_000), member('b', [2, 3], 5_000)];
    expect(renew(members, 'b', 4, 999)).toEqual([member('a', [0, 1], 1_000), member('b', [2, 3], 999 + LEASE_MS)]);
    expect(renew(members, 'b', 4, 1_000)).toEqual([member('b', [0, 1, 2, 3], 1_000 + LEASE_MS)]);
  });

  it('takes what was given back at once', () => {
    const members = without([member('a', [0]), member('b', [])], 'a');
    expect(renew(members, 'b', 1)).toEqual([member('b', [0], 1 + LEASE_MS)]);
  });

  it('keeps what the member works on when the table has forgotten it, and takes more only at its next renewal', () => {
    const forgotten = [member('a', [0, 7], 5_000), member('b', [1, 2], 1)];
    const renewal = { holder: 'b', nowMs: 1, leaseMs: LEASE_MS, partCount: 9, held: new Set([8, 7, 4]) };
    const once = renewed(forgotten, renewal)!;
    expect(once).toEqual([member('a', [0, 7], 5_000), member('b', [4, 8], 1 + LEASE_MS)]);
    const twice = renewed(once, { ...renewal, held: new Set([4, 8]) })!;
    expect(twice[1]).toEqual(member('b', [1, 2, 4, 8], 1 + LEASE_MS));
  });

  it('shortens a lease that ends later than any can', () => {
    const [dead] = renew([member('a', [0], 1e12)], 'b', 1);
    expect(dead).toEqual(member('a', [0], 1 + LEASE_MS));
  });

  it('has no place for one more in a full group, and still one for a member', () => {
    const full = Array.from({ length: LEASE_MEMBERS_MAX }, (_, index) => member(`m-${index}`, []));
    const request = { nowMs: 1, leaseMs: LEASE_MS, partCount: 3, held: NONE };
    expect(renewed(full, { ...request, holder: 'new' })).toBeNull();
    expect(renewed(full, { ...request, holder: 'm-7' })).toHaveLength(LEASE_MEMBERS_MAX);
  });

  it('has every part held by exactly one, evenly, once all are known and have renewed twice, from any table', () => {
    fc.assert(
      fc.property(anyGroup, fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)), ({ table, live, partCount }, orders) => {
        // Whoever is in the table but does not live any more has had its time.
        const nowMs = 20 * LEASE_MS;
        const known = round(table, live, partCount, nowMs, orders[0]);
        const once = round(known, live, partCount, nowMs + 3_000, orders[1]);
        const twice = round(once, live, partCount, nowMs + 6_000, orders[2]);
        expect(twice.map(({ holder }) => holder)).toEqual(live.toSorted());
        expect(twice.flatMap(({ parts }) => parts).toSorted((a, b) => a - b)).toEqual(allOf(partCount));
        expect(sizes(twice)[0]! - sizes(twice).at(-1)!).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });

  it('moves nothing when nothing changes', () => {
    fc.assert(
      fc.property(anyGroup, fc.nat(50), ({ table, live, partCount }, order) => {
        const nowMs = 20 * LEASE_MS;
        let members: readonly LeaseMember[] = table;
        for (let turn = 0; turn < 3; turn++) members = round(members, live, partCount, nowMs, order);
        const parts = members.map(({ holder, parts: held }) => [holder, held]);
        for (let turn = 1; turn < 4; turn++) {
          members = round(members, live, partCount, nowMs + turn * 3_000, order + turn);
          expect(members.map(({ holder, parts: held }) => [holder, held])).toEqual(parts);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('lets a member of a balanced group keep what it has when another dies', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 70 }), (count, partCount) => {
        const live = Array.from({ length: count }, (_, index) => `p-${index}`);
        let members: readonly LeaseMember[] = [];
        for (let turn = 0; turn < 3; turn++) members = round(members, live, partCount, 1, 0);
        const before = new Map(members.map(({ holder, parts }) => [holder, parts]));
        const alive = live.slice(1);
        let after = round(members, alive, partCount, LEASE_MS / 2, 0);
        for (let turn = 0; turn < 2; turn++) after = round(after, alive, partCount, 1 + LEASE_MS, turn);
        for (const { holder, parts } of after) expect(parts).toEqual(expect.arrayContaining([...before.get(holder)!]));
        expect(after.flatMap(({ parts }) => parts)).toHaveLength(partCount);
      }),
    );
  });

  it('robs nobody whose lease is live', () => {
    fc.assert(
      fc.property(anyGroup, fc.nat(50), ({ table, live, partCount }, index) => {
        const holder = live[index % live.length]!;
        const others = table.filter((one) => one.holder !== holder && one.untilMs > 1);
        const after = renew(table, holder, partCount);
        const mine = after.find((one) => one.holder === holder)!.parts;
        expect(mine.filter((part) => holdersOf(part, others).length > 0)).toEqual([]);
        expect(after.map((each) => each.holder)).toEqual(expect.arrayContaining(others.map((one) => one.holder)));
      }),
    );
  });
});
