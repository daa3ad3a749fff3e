import type { CountedGift, GiftListener } from './entries.js';
import type { HourRange } from './hour-range.js';
import { MemberTable } from './member-table.js';
import { Ranking } from './ranking.js';
import type { Measure, Scan } from './scans.js';
import { slicedSort } from './sliced-sort.js';

const SCAN_STEP = 1_024;

/**
 * One board of one period, in order. Made from cells piece by piece; gifts that come meanwhile are merged when their place
 * was read already, and kept for the end while it sorts. From then on each gift moves one member.
 */
export class Standing implements GiftListener {
  readonly table: MemberTable;
  #ranking: Ranking | null = null;
  #scan: Scan | null;
  readonly #duringSort: { member: number; amount: number; position: number; atMs: number }[] = [];

  /** @param membersExpected an upper estimate, to make place once */
  constructor(
    readonly measure: Measure,
    readonly range: HourRange,
    membersExpected: number,
    scanInto: (table: MemberTable) => Scan,
  ) {
    this.table = new MemberTable(membersExpected);
    this.#scan = scanInto(this.table);
  }

  get isBuilt(): boolean {
    return this.#ranking !== null;
  }

  get ranking(): Ranking {
    if (this.#ranking === null) throw new Error('the board is not built yet');
    return this.#ranking;
  }

  /** Builds it; yields after each piece about how many steps it took. */
  *build(): Generator<number, void> {
    while (!this.#scan!.step(SCAN_STEP)) yield SCAN_STEP;
    this.#scan = null;
    const sorted = yield* slicedSort(this.table.size, (a, b) => this.table.compare(a, b));
    this.#ranking = new Ranking(this.table, sorted);
    for (const { member, amount, position, atMs } of this.#duringSort) this.#move(member, amount, position, atMs);
    this.#duringSort.length = 0;
  }

  count(gift: CountedGift): void {
    if (gift.hour < this.range.start || gift.hour >= this.range.end) return;
    const ofCreators = this.measure === 'creators';
    const amount = ofCreators ? gift.diamonds : gift.coins;
    if (amount === 0) return;
    const member = ofCreators ? gift.creator.index : gift.viewer;
    if (this.#ranking !== null) {
      this.#move(member, amount, gift.position, gift.occurredAtMs);
    } else if (this.#scan === null) {
      this.#duringSort.push({ member, amount, position: gift.position, atMs: gift.occurredAtMs });
    } else if (this.#scan.hasPassed(gift)) {
      this.table.merge(this.table.intern(member), amount, gift.position, gift.occurredAtMs);
    }
  }

  #move(member: number, amount: number, position: number, atMs: number): void {
    const ranking = this.ranking;
    const known = this.table.find(member);
    if (known >= 0) ranking.remove(known);
    const slot = known >= 0 ? known : this.table.intern(member);
    this.table.merge(slot, amount, position, atMs);
    ranking.insert(slot);
  }
}
