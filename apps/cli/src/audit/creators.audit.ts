import type { DiamondsCredited, GiftSent } from '@livegift/domain';
import type { Position, RecordedEvent } from '@livegift/kernel';
import { findingAt, type Report, type Rule } from './finding.js';
import { isWhole } from './whole-amounts.js';

/** A gift whose diamonds are still to be credited. */
interface Owed {
  readonly giftId: string;
  readonly coins: number;
  readonly diamonds: number;
  readonly roomId: string;
  readonly position: Position;
  readonly recordedAt: string;
}

interface CreatorBooks {
  /** In order of position; the credited ones before `next` are dropped now and then. */
  owed: Owed[];
  next: number;
  held: number;
  settledThrough: Position | null;
  lastCredit: number | null;
}

const DROP_CREDITED_AT = 4_096;

/** Diamonds: each gift credited once, in order. Holds only the gifts that are not credited yet. */
export class CreatorsAudit {
  readonly #creators = new Map<string, CreatorBooks>();
  credited = 0n;
  owedCount = 0;

  constructor(private readonly report: Report) {}

  get creatorCount(): number {
    return this.#creators.size;
  }

  registered(event: RecordedEvent): void {
    const creatorId = event.stream.slice('creator-'.length);
    if (event.revision !== 0) this.#say(event, 'revisions', 'a creator is registered by the first event of the stream');
    this.#checkSettledThrough(event, this.#books(creatorId));
  }

  giftSent(event: RecordedEvent): void {
    const { creatorId, giftId, coins, diamonds, roomId } = event.data as GiftSent['data'];
    const { position } = event;
    this.#books(creatorId).owed.push({
      giftId,
      coins,
      diamonds,
      roomId,
      position,
      recordedAt: event.metadata.recordedAt,
    });
    this.owedCount += 1;
  }

  diamondsCredited(event: RecordedEvent): void {
    const credit = event.data as DiamondsCredited['data'];
    const creatorId = event.stream.slice('creator-'.length);
    const books = this.#books(creatorId);
    if (credit.creatorId !== creatorId) this.#say(event, 'credited-once', `credits creator ${credit.creatorId}`);
    if (!isWhole(credit.diamonds, 0) || !isWhole(credit.balance, 0)) {
      this.#say(event, 'whole-amounts', `${credit.diamonds} diamonds, of then ${credit.balance} held`);
    }
    const owed = this.#takeOwed(event, books, credit);
    if (owed !== null) this.#checkCredit(event, credit, owed);
    if (credit.balance !== books.held + credit.diamonds) {
      const expected = books.held + credit.diamonds;
      this.#say(event, 'credited-once', `states ${credit.balance} diamonds held; its stream adds up to ${expected}`);
    }
    const linked = event.metadata.previousOfType;
    if (linked !== undefined && linked !== books.lastCredit) {
      this.#say(
        event,
        'revisions',
        `links to revision ${linked} as the credit before it, which is ${books.lastCredit}`,
      );
    }
    books.held = credit.balance;
    books.lastCredit = event.revision;
    books.settledThrough = credit.giftPosition;
    this.#checkSettledThrough(event, books);
    if (Number.isSafeInteger(credit.diamonds)) this.credited += BigInt(credit.diamonds);
  }

  /** Any other event in a creator's stream carries on how far the creator is settled. */
  other(event: RecordedEvent): void {
    this.#checkSettledThrough(event, this.#books(event.stream.slice('creator-'.length)));
  }

  /** The oldest gift of each creator that is not credited yet, at the end of the log. */
  *unsettled(): Generator<{ readonly creatorId: string; readonly oldest: Owed; readonly count: number }> {
    for (const [creatorId, { owed, next }] of this.#creators) {
      const oldest = owed[next];
      if (oldest !== undefined) yield { creatorId, oldest, count: owed.length - next };
    }
  }

  #books(creatorId: string): CreatorBooks {
    let books = this.#creators.get(creatorId);
    if (books === undefined) {
      books = { owed: [], next: 0, held: 0, settledThrough: null, lastCredit: null };
      this.#creators.set(creatorId, books);
    }
    return books;
  }

  /** The gift that this credit is for: the oldest one owed, or else a finding says what is wrong. */
  #takeOwed(event: RecordedEvent, books: CreatorBooks, credit: DiamondsCredited['data']): Owed | null {
    const head = books.owed[books.next];
    if (head?.giftId === credit.giftId) {
      books.next += 1;
      this.owedCount -= 1;
      if (books.next >= DROP_CREDITED_AT) {
        books.owed = books.owed.slice(books.next);
        books.next = 0;
      }
      return head;
    }
    const index = books.owed.findIndex(({ giftId }, at) => at >= books.next && giftId === credit.giftId);
    if (index === -1) {
      const again = books.settledThrough !== null && credit.giftPosition <= books.settledThrough;
      const what = again ? 'is credited a second time' : 'was never sent to this creator';
      this.#say(event, 'credited-once', `gift ${credit.giftId} ${what}`);
      return null;
    }
    this.#say(event, 'settlement-order', `gift ${credit.giftId} is credited before ${head?.giftId}, which is older`);
    this.owedCount -= 1;
    return books.owed.splice(index, 1)[0]!;
  }

  #checkCredit(event: RecordedEvent, credit: DiamondsCredited['data'], owed: Owed): void {
    const { coins, diamonds, roomId, giftPosition } = credit;
    if (coins !== owed.coins || diamonds !== owed.diamonds || roomId !== owed.roomId) {
      const given = `${owed.coins} coins and ${owed.diamonds} diamonds in ${owed.roomId}`;
      const stated = `${coins} coins and ${diamonds} diamonds in ${roomId}`;
      this.#say(event, 'credited-once', `credits gift ${owed.giftId} with ${stated}; it was ${given}`);
    }
    if (giftPosition !== owed.position) {
      this.#say(
        event,
        'settlement-order',
        `says gift ${owed.giftId} stands at ${giftPosition}, it is at ${owed.position}`,
      );
    }
  }

  #checkSettledThrough(event: RecordedEvent, books: CreatorBooks): void {
    const stated = event.metadata.settledThrough;
    if (stated === books.settledThrough) return;
    const due = books.settledThrough ?? 'nothing';
    this.#say(event, 'settlement-order', `says settled through ${stated ?? 'nothing'}; it is ${due}`);
  }

  #say(event: RecordedEvent, rule: Rule, detail: string): void {
    this.report(findingAt(event, rule, detail));
  }
}
