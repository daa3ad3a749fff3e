import type { Position } from '@livegift/kernel';
import type { CountedGift } from './entries.js';
import { FoldState } from './fold-state.js';
import { ALL_HOURS, type HourRange } from './hour-range.js';
import { MemberTable } from './member-table.js';
import { HoursScan, RoomsScan, TotalsScan, type Measure, type Scan } from './scans.js';

const HOUR_MS = 3_600_000;

/** The same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

class SmallWorld {
  readonly state = new FoldState(0);
  #given = 0;

  constructor(private readonly random: (below: number) => number) {
    for (let i = 0; i < 12; i++) this.give();
  }

  give(): void {
    const index = ++this.#given;
    const { random } = this;
    const room = random(4);
    const viewerId = `v${random(6 + index / 4)}`;
    this.state.write({
      kind: 'gift-scored',
      giftId: `${viewerId}.${index}`,
      roomId: `r${room}`,
      creatorId: `c${room % 2}`,
      viewerId,
      coins: 1 + random(3),
      diamonds: random(2) * 10,
      position: String(index) as Position,
      occurredAtMs: random(6) * HOUR_MS + random(1_000),
      name: null,
    });
  }
}

function entries(table: MemberTable): (readonly [number, number, number, number])[] {
  return Array.from(
    { length: table.size },
    (_, slot) => [table.member(slot), table.score(slot), table.reached(slot), table.reachedAtMs(slot)] as const,
  ).sort((a, b) => a[0] - b[0]);
}

const SOME_HOURS: HourRange = { start: 1, end: 5 };

interface Case {
  readonly measure: Measure;
  readonly range: HourRange;
  readonly scan: (state: FoldState, into: MemberTable) => Scan;
  /** Which gifts such a board hears of. */
  readonly hears: (gift: CountedGift) => boolean;
}

function ofRoom(state: FoldState) {
  return state.findRoom('r1')!;
}

const CASES: Record<string, Case> = {
  'totals of viewers': {
    measure: 'gifters',
    range: ALL_HOURS,
    scan: (state, into) => new TotalsScan(state, 'gifters', into),
    hears: () => true,
  },
  'totals of creators': {
    measure: 'creators',
    range: ALL_HOURS,
    scan: (state, into) => new TotalsScan(state, 'creators', into),
    hears: () => true,
  },
  'hours of all gifters': {
    measure: 'gifters',
    range: SOME_HOURS,
    scan: (state, into) => new HoursScan(state, SOME_HOURS, 'gifters', null, into),
    hears: () => true,
  },
  'hours of creators': {
    measure: 'creators',
    range: SOME_HOURS,
    scan: (state, into) => new HoursScan(state, SOME_HOURS, 'creators', null, into),
    hears: () => true,
  },
  'hours of a room': {
    measure: 'gifters',
    range: SOME_HOURS,
    scan: (state, into) => new HoursScan(state, SOME_HOURS, 'gifters', ofRoom(state), into),
    hears: ({ room }) => room.id === 'r1',
  },
  'cells of a room': {
    measure: 'gifters',
    range: SOME_HOURS,
    scan: (state, into) => new RoomsScan(state, [ofRoom(state)], SOME_HOURS, into),
    hears: ({ room }) => room.id === 'r1',
  },
  'cells of a creator': {
    measure: 'gifters',
    range: ALL_HOURS,
    scan: (state, into) => new RoomsScan(state, state.findCreator('c1')!.rooms, ALL_HOURS, into),
    hears: ({ creator }) => creator.id === 'c1',
  },
};

describe.each(Object.entries(CASES))('the scan of %s', (_name, { measure, range, scan, hears }) => {
  it('counts every gift once, wherever the scan is when it comes', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = seeded(seed);
      const world = new SmallWorld(random);
      if (world.state.findRoom('r1') === undefined) continue;
      const table = new MemberTable();
      const scanning = scan(world.state, table);
      world.state.standings.push({
        count(gift) {
          const amount = measure === 'gifters' ? gift.coins : gift.diamonds;
          if (!hears(gift) || amount === 0 || gift.hour < range.start || gift.hour >= range.end) return;
          if (!scanning.hasPassed(gift)) return;
          const member = measure === 'gifters' ? gift.viewer : gift.creator.index;
          table.merge(table.intern(member), amount, gift.position, gift.occurredAtMs);
        },
      });
      // A gift per step for a while, so that the scan ends at all.
      for (let gifts = 0; !scanning.step(1); gifts++) if (gifts < 40) world.give();
      const expected = new MemberTable();
      while (!scan(world.state, expected).step(1_000_000)) throw new Error('one step reads all of a small world');
      expect({ seed, entries: entries(table) }).toEqual({ seed, entries: entries(expected) });
    }
  });
});
