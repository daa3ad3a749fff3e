import type { EventMetadata, RecordedEvent } from '@livegift/kernel';
import { InMemoryEventStore } from '../event-store/in-memory-event-store.js';
import { MoneyScenario } from './money-scenario.js';
import { NaiveLedger, type FindingsOptions } from './naive-ledger.js';

let log: readonly RecordedEvent[];
let scenario: MoneyScenario;

beforeEach(async () => {
  scenario = new MoneyScenario(new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001'));
  await scenario.wallet('ann', 100);
  await scenario.room('r1', 'cleo');
  await scenario.gift({ viewerId: 'ann', roomId: 'r1', quantity: 3 });
  await scenario.gift({ viewerId: 'ann', roomId: 'r1', creatorShareBps: 3_333 });
  await scenario.importGift('bob', 'r1', 'cleo', 7);
  await scenario.purchase('ann', 50);
  await scenario.settle();
  log = await scenario.log();
});

function findings(events: readonly RecordedEvent[], options?: FindingsOptions): string[] {
  const ledger = new NaiveLedger();
  for (const event of events) ledger.applyEvent(event);
  return ledger.findings(options);
}

/** The log with one event, the `nth` of its type, tampered with. */
function tampered(
  type: string,
  nth: number,
  change: { readonly data?: object; readonly metadata?: Partial<EventMetadata>; readonly envelope?: object },
): RecordedEvent[] {
  const target = log.filter((event) => event.type === type)[nth]!;
  return log.map((event) =>
    event !== target
      ? event
      : {
          ...event,
          ...change.envelope,
          data: { ...(event.data as object), ...change.data },
          metadata: { ...event.metadata, ...change.metadata },
        },
  );
}

/** The log without the last event of a type; positions may have gaps, so nothing else is wrong. */
const withoutLast = (type: string): RecordedEvent[] => {
  const last = log.findLast((event) => event.type === type);
  return log.filter((event) => event !== last);
};

/** The log with one of its events appended once more to a stream's end, as a new event. */
function repeated(type: string, data: object = {}, nth = 0): RecordedEvent[] {
  const original = log.filter((event) => event.type === type)[nth]!;
  const revision = log.filter((event) => event.stream === original.stream).length;
  const position = String(log.length + 1).padStart(16, '0') as RecordedEvent['position'];
  const again = { ...original, id: 'again', revision, position, data: { ...(original.data as object), ...data } };
  return [...log, again];
}

describe('the naive ledger', () => {
  it('finds nothing wrong with a log of the deciders', () => {
    expect(findings(log)).toEqual([]);
  });

  it('adds up', () => {
    const ledger = new NaiveLedger();
    for (const event of log) ledger.applyEvent(event);
    expect(ledger.totals()).toEqual({
      events: log.length,
      gifts: 3,
      purchasedCoins: 157n,
      heldCoins: 146n,
      spentCoins: 11n,
      earnedDiamonds: 150n + 33n + 350n,
      creditedDiamonds: 150n + 33n + 350n,
      platformDiamonds: 150n + 67n + 350n,
    });
    expect(ledger.wallet('ann')).toMatchObject({ coins: 146n, purchasedCoins: 150n, spentCoins: 4n, gifts: 2 });
    expect(ledger.creator('cleo')).toMatchObject({ creditedGifts: 3, creditedDiamonds: 533n });
    expect(ledger.wallet('nobody')).toBeUndefined();
  });

  it.each<[what: string, events: () => RecordedEvent[], finding: RegExp]>([
    ['a wrong balance', () => tampered('GiftSent', 0, { data: { balance: 98 } }), /balance 98, but it holds 97/],
    ['coins that are not quantity x price', () => tampered('GiftSent', 0, { data: { coins: 4 } }), /quantity x price/],
    ['a wallet below zero', () => tampered('GiftSent', 0, { data: { quantity: 101, coins: 101 } }), /below zero: -1/],
    ['too many diamonds', () => tampered('GiftSent', 1, { data: { diamonds: 34 } }), /34 diamonds, should be 33/],
    ['too large an amount', () => tampered('GiftSent', 0, { data: { coins: 1e9 + 1 } }), /amount of 1000000001/],
    ['an id that points elsewhere', () => tampered('GiftSent', 0, { data: { giftId: 'ann.9' } }), /where it stands/],
    ['a room of another creator', () => tampered('GiftSent', 0, { data: { creatorId: 'cora' } }), /not a room of that/],
    ['a wallet never opened', () => log.filter((event) => event.type !== 'WalletOpened'), /never opened/],
    ['a gift never credited', () => withoutLast('DiamondsCredited'), /was never credited/],
    ['a gift credited twice', () => repeated('DiamondsCredited'), /credited a second time/],
    ['a credit of no gift', () => repeated('DiamondsCredited', { giftId: 'x.1' }), /was not sent to this creator/],
    [
      'a gift passed over',
      () => log.filter((event) => event !== log.find(({ type }) => type === 'DiamondsCredited')),
      /credits ann.3, but ann.2 is the next one/,
    ],
    ['a credit that differs', () => tampered('DiamondsCredited', 0, { data: { coins: 9 } }), /differs from gift ann.2/],
    ['a wrong creator balance', () => tampered('DiamondsCredited', 1, { data: { balance: 1 } }), /balance 1, but it/],
    [
      'a creator event that does not carry on how far it is settled',
      () => tampered('DiamondsCredited', 1, { metadata: { settledThrough: null } }),
      /settledThrough null, should be/,
    ],
    ['a purchase without a claim', () => log.filter((event) => event.type !== 'PaymentClaimed'), /without a claim/],
    ['a claim without its purchase', () => withoutLast('CoinsPurchased'), /claimed, but made no coins/],
    ['a payment that made coins twice', () => repeated('CoinsPurchased'), /made coins 2 times/],
    ['a purchase that differs', () => tampered('CoinsPurchased', 0, { data: { coins: 99 } }), /differs from its claim/],
    ['a payment claimed twice', () => repeated('PaymentClaimed'), /claimed a second time/],
    [
      'a line without its claim',
      () => log.filter((event) => event.type !== 'HistoryClaimed'),
      /imported without a claim/,
    ],
    ['a line not sent', () => withoutLast('GiftSent'), /was claimed, but not sent/],
    ['a line sent twice', () => repeated('GiftSent', {}, 2), /was sent 2 times/],
    ['a revision gap', () => tampered('GiftSent', 1, { envelope: { revision: 9 } }), /revision gap: expected 3/],
    ['a position that does not rise', () => [...log, { ...log[0]!, stream: 'x', id: 'y' }], /position not after/],
    ['one event id twice', () => tampered('GiftSent', 1, { envelope: { id: 'event 1' } }), /event id event 1 twice/],
    [
      'one key for two commands',
      () => {
        const { idempotencyKey } = log.find((event) => event.type === 'GiftSent')!.metadata;
        return tampered('GiftSent', 1, { metadata: { idempotencyKey } });
      },
      /was used at revision 2 already/,
    ],
    [
      'a wrong link to the previous of its type',
      () => tampered('GiftSent', 1, { metadata: { previousOfType: 1 } }),
      /previousOfType 1, but the previous one is 2/,
    ],
  ])('finds %s', (_what, events, finding) => {
    expect(findings(events()).join('\n')).toMatch(finding);
  });

  it('lets settlement and claims be at work when told so', () => {
    expect(findings(withoutLast('DiamondsCredited'), { settled: false })).toEqual([]);
    const unfinished = log.slice(0, log.findLastIndex((event) => event.type === 'PaymentClaimed') + 1);
    expect(findings(unfinished, { settled: false, completed: false })).toEqual([]);
    expect(findings(unfinished, { settled: false })).toHaveLength(1);
  });
});
