import type { EventReader } from '@livegift/event-store';
import type { EventMetadata, Position, RecordedEvent } from '@livegift/kernel';
import { silentProgress } from '../progress.js';
import { auditLog } from './audit-log.js';
import type { Finding, Rule } from './finding.js';
import { StreamsAudit } from './streams.audit.js';

const AT = '2026-01-01T10:00:00.000Z';
const POSITION_DIGITS = 16;
const positionOf = (index: number): Position => String(index + 1).padStart(POSITION_DIGITS, '0') as Position;

interface Draft {
  stream: string;
  revision: number;
  type: string;
  data: Record<string, unknown>;
  metadata: Partial<EventMetadata>;
}

const PURCHASE_KEY = { idempotencyKey: 'buy-1', bodyHash: 'b1' };
const PRICE = { amountMinor: 499, currency: 'USD' };

/** Ann buys 100 coins and sends two live gifts to Cleo; one line of history comes in besides. Every rule holds. */
function soundLog(): Draft[] {
  const gift = (revision: number, coins: number, balance: number): Record<string, unknown> => ({
    giftId: `ann.${revision}`,
    roomId: 'r1',
    creatorId: 'cleo',
    viewerId: 'ann',
    gift: 'rose',
    quantity: coins,
    priceCoins: 1,
    coins,
    creatorShareBps: 5000,
    diamonds: coins * 50,
    streak: { id: 'ann.2', count: coins, coins },
    message: null,
    sender: null,
    balance,
    imported: false,
    importId: null,
    occurredAt: AT,
  });
  const credit = (giftId: string, giftPosition: Position, coins: number, balance: number): Record<string, unknown> => ({
    creatorId: 'cleo',
    giftId,
    giftPosition,
    roomId: 'r1',
    coins,
    diamonds: coins * 50,
    balance,
    occurredAt: AT,
  });
  const event = (
    stream: string,
    revision: number,
    type: string,
    data: Record<string, unknown>,
    metadata: Partial<EventMetadata> = {},
  ): Draft => ({ stream, revision, type, data, metadata });
  const line = { roomId: 'r1', creatorId: 'cleo', viewerId: 'bob', coins: 7, occurredAt: '2016-07-01T00:00:00Z' };
  const bought = { purchaseId: 'ann.1', viewerId: 'ann', coins: 100, price: PRICE, provider: 'shop', paymentId: 'p1' };
  const history = {
    purchaseId: 'bob.1',
    viewerId: 'bob',
    coins: 7,
    price: null,
    provider: 'import',
    paymentId: 'row-1',
  };
  const claim = { provider: 'shop', paymentId: 'p1', viewerId: 'ann', coins: 100, price: PRICE, ...PURCHASE_KEY };
  const imported = { streak: null, imported: true, importId: 'row-1', gift: 'cheer' };
  return [
    event('wallet-ann', 0, 'WalletOpened', { viewerId: 'ann', occurredAt: AT }),
    event('creator-cleo', 0, 'CreatorRegistered', { creatorId: 'cleo', occurredAt: AT }, { settledThrough: null }),
    event('room-r1', 0, 'RoomOpened', { roomId: 'r1', creatorId: 'cleo', title: null, occurredAt: AT }),
    event('payment-shop-p1', 0, 'PaymentClaimed', { ...claim, walletRevision: 0, occurredAt: AT }),
    event('wallet-ann', 1, 'CoinsPurchased', { ...bought, balance: 100, occurredAt: AT }, PURCHASE_KEY),
    event('wallet-ann', 2, 'GiftSent', gift(2, 30, 70), { idempotencyKey: 'g1', bodyHash: 'x', previousOfType: null }),
    event('wallet-ann', 3, 'GiftSent', gift(3, 20, 50), { idempotencyKey: 'g2', bodyHash: 'y', previousOfType: 2 }),
    event('creator-cleo', 1, 'DiamondsCredited', credit('ann.2', positionOf(5), 30, 1500), {
      settledThrough: positionOf(5),
    }),
    event('import-row-1', 0, 'HistoryClaimed', { importId: 'row-1', ...line, walletRevision: -1 }),
    event('wallet-bob', 0, 'WalletOpened', { viewerId: 'bob', occurredAt: AT }),
    event('wallet-bob', 1, 'CoinsPurchased', { ...history, balance: 7, occurredAt: line.occurredAt }),
    event('wallet-bob', 2, 'GiftSent', { ...gift(2, 7, 0), ...line, ...imported, giftId: 'bob.2' }),
    event('creator-cleo', 2, 'DiamondsCredited', credit('ann.3', positionOf(6), 20, 2500), {
      settledThrough: positionOf(6),
      previousOfType: 1,
    }),
    event('creator-cleo', 3, 'DiamondsCredited', credit('bob.2', positionOf(11), 7, 2850), {
      settledThrough: positionOf(11),
      previousOfType: 2,
    }),
  ];
}

/** A claim whose key is `key`, and its release. */
function releasedClaim(key: string): Draft[] {
  const payment = { provider: 'shop', paymentId: 'p2', viewerId: 'ann', idempotencyKey: key, occurredAt: AT };
  const claim = { ...payment, coins: 5, price: PRICE, bodyHash: 'b2', walletRevision: 2 };
  return [
    { stream: 'payment-shop-p2', revision: 0, type: 'PaymentClaimed', data: claim, metadata: {} },
    { stream: 'payment-shop-p2', revision: 1, type: 'PaymentReleased', data: payment, metadata: {} },
  ];
}

/** Dora's wallet, one purchase short of as full as it may be, and further ones, claimed when it stood at these revisions. */
function filledUp(...claimedAt: readonly number[]): Draft[] {
  const revisions = [...Array.from({ length: 999 }, (_, revision) => revision), ...claimedAt];
  const purchases = revisions.map((walletRevision, n) => {
    const payment = { provider: 'shop', paymentId: `d${n}`, occurredAt: AT };
    const bought = { viewerId: 'dora', coins: 1e9, price: PRICE, ...payment };
    const metadata = { idempotencyKey: `k${n}`, bodyHash: 'b' };
    const ids = { purchaseId: `dora.${n + 1}`, balance: (n + 1) * 1e9 };
    const claim = { ...bought, ...metadata, walletRevision };
    return [
      { stream: `payment-shop-d${n}`, revision: 0, type: 'PaymentClaimed', data: claim, metadata: {} },
      { stream: 'wallet-dora', revision: n + 1, type: 'CoinsPurchased', data: { ...bought, ...ids }, metadata },
    ];
  });
  const opened = { stream: 'wallet-dora', revision: 0, type: 'WalletOpened', data: { viewerId: 'dora' }, metadata: {} };
  return [opened, ...purchases.flat()];
}

const FIRST_GIFT = 5;
const SECOND_GIFT = 6;
const FIRST_CREDIT = 7;
const SECOND_CREDIT = 12;

function recorded(drafts: readonly Draft[]): RecordedEvent[] {
  return drafts.map(({ metadata, ...draft }, index) => ({
    ...draft,
    id: `id-${index}`,
    schemaVersion: 1,
    position: positionOf(index),
    metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: AT, ...metadata },
  }));
}

function readerOf(log: readonly RecordedEvent[]): EventReader {
  return {
    storeId: 'store',
    readStream: async (stream, { from, limit, direction }) => {
      streamReads += 1;
      const events = log.filter((event) => event.stream === stream);
      if (direction === 'backwards') {
        return events
          .filter(({ revision }) => from === undefined || revision <= from)
          .toReversed()
          .slice(0, limit);
      }
      return events.filter(({ revision }) => revision >= (from ?? 0)).slice(0, limit);
    },
    readAll: async ({ after, limit }) => {
      const start = after ? log.findIndex(({ position }) => position === after) + 1 : 0;
      return log.slice(start, start + limit);
    },
    head: async () => log.at(-1)?.position ?? null,
    subscribe: () => Promise.reject(new Error('the audit reads, it does not subscribe')),
  };
}

let streamReads = 0;
let engineNowMs: number | null = null;
const outside = {
  signal: new AbortController().signal,
  pause: async (): Promise<void> => {},
  engineNowMs: (): number | null => engineNowMs,
};

async function audit(log: readonly RecordedEvent[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  await auditLog(readerOf(log), (finding) => findings.push(finding), silentProgress, outside);
  return findings;
}

async function rulesBrokenBy(change: (drafts: Draft[]) => void): Promise<Rule[]> {
  const drafts = soundLog();
  change(drafts);
  return [...new Set((await audit(recorded(drafts))).map(({ rule }) => rule))];
}

const LATER = '2026-01-01T10:00:01.000Z';
const SETTLED_LESS = { settledThrough: positionOf(5) };

/** The next event of a stream, of this type. */
function afterAll(log: readonly Draft[], stream: string, type: string): Draft {
  const revision = log.filter((draft) => draft.stream === stream).length;
  return { stream, revision, type, data: {}, metadata: {} };
}

function confirmed(stream: string, revision: number, balance: number): Draft {
  return { stream, revision, type: 'WalletConfirmed', data: { balance }, metadata: {} };
}

/** Puts an event in, giving the events of its stream after it the next revision. */
function insert(drafts: Draft[], index: number, draft: Draft): void {
  for (const later of drafts.slice(index)) if (later.stream === draft.stream) later.revision += 1;
  drafts.splice(index, 0, draft);
}

describe('the audit of the money', () => {
  it('ends without a summary and without findings when it is interrupted', async () => {
    const interrupted = new AbortController();
    interrupted.abort();
    const findings: Finding[] = [];
    const half = recorded(soundLog()).slice(0, 7);
    const during = { ...outside, signal: interrupted.signal };
    expect(await auditLog(readerOf(half), (finding) => findings.push(finding), silentProgress, during)).toBeNull();
    expect(findings).toEqual([]);
  });

  it('has nothing to say about a sound log, and adds it up', async () => {
    const findings: Finding[] = [];
    const summary = await auditLog(
      readerOf(recorded(soundLog())),
      (finding) => findings.push(finding),
      silentProgress,
      outside,
    );
    expect(findings).toEqual([]);
    expect(summary).toEqual({
      events: 14,
      through: positionOf(13),
      wallets: 2,
      creators: 1,
      rooms: 1,
      gifts: 3,
      coinsBought: '107',
      coinsHeld: '50',
      coinsSpent: '57',
      diamondsEarned: '2850',
      diamondsCredited: '2850',
      platformDiamonds: '2850',
      giftsNotYetCredited: 0,
      claimsNotYetFinished: 0,
    });
  });

  it('has nothing to say about an empty log', async () => {
    expect(await audit([])).toEqual([]);
  });

  const breaches: readonly (readonly [string, Rule, (drafts: Draft[]) => void])[] = [
    ['coins that are no integer', 'whole-amounts', (log) => Object.assign(log[FIRST_GIFT]!.data, { coins: 30.5 })],
    ['more coins than a command may move', 'whole-amounts', (log) => Object.assign(log[4]!.data, { coins: 2e9 })],
    [
      'a price in fractions',
      'whole-amounts',
      (log) => Object.assign(log[4]!.data, { price: { amountMinor: 4.99, currency: 'USD' } }),
    ],
    ['coins claimed for a wallet that was full', 'whole-amounts', (log) => log.push(...filledUp(999, 1_000))],
    [
      'a creator who holds more than can be counted exactly',
      'whole-amounts',
      (log) => Object.assign(log[SECOND_CREDIT]!.data, { balance: 2 ** 53 }),
    ],
    ['a diamond too many', 'share', (log) => Object.assign(log[FIRST_GIFT]!.data, { diamonds: 1501 })],
    ['coins other than price x quantity', 'share', (log) => Object.assign(log[FIRST_GIFT]!.data, { quantity: 29 })],
    ['a share above the whole', 'share', (log) => Object.assign(log[FIRST_GIFT]!.data, { creatorShareBps: 10_001 })],
    [
      'a wallet below zero',
      'no-negative-balance',
      (log) => Object.assign(log[SECOND_GIFT]!.data, { coins: 80, quantity: 80, diamonds: 4000, balance: -10 }),
    ],
    [
      'a stated balance that is wrong',
      'no-negative-balance',
      (log) => Object.assign(log[FIRST_GIFT]!.data, { balance: 71 }),
    ],
    ['coins out of nowhere', 'conservation', (log) => Object.assign(log[SECOND_GIFT]!.data, { balance: 5_000 })],
    [
      'a gift credited twice',
      'credited-once',
      (log) => {
        const again = structuredClone(log[FIRST_CREDIT]!);
        again.revision = 2;
        insert(log, 8, again);
      },
    ],
    [
      'a credit for a gift that nobody sent',
      'credited-once',
      (log) => Object.assign(log[SECOND_CREDIT]!.data, { giftId: 'ann.9' }),
    ],
    [
      'a credit of other diamonds',
      'credited-once',
      (log) => Object.assign(log[FIRST_CREDIT]!.data, { diamonds: 1499 }),
    ],
    [
      'a stated diamond balance that is wrong',
      'credited-once',
      (log) => Object.assign(log[FIRST_CREDIT]!.data, { balance: 1 }),
    ],
    [
      'a gift never credited while the log went on',
      'credited-once',
      (log) => {
        log.pop();
        log.push({ stream: 'wallet-zoe', revision: 0, type: 'WalletOpened', data: {}, metadata: {} });
        log.at(-1)!.metadata = { recordedAt: '2026-01-01T10:02:00.000Z' };
      },
    ],
    [
      'two gifts credited in the wrong order',
      'settlement-order',
      (log) => {
        const [first, second] = [log[FIRST_CREDIT]!.data, log[SECOND_CREDIT]!.data];
        log[FIRST_CREDIT]!.data = second;
        log[SECOND_CREDIT]!.data = first;
      },
    ],
    [
      'a creator event that forgets how far was settled',
      'settlement-order',
      (log) => (log[SECOND_CREDIT]!.metadata = { settledThrough: positionOf(5), previousOfType: 1 }),
    ],
    ['coins bought without a claim', 'payment-claims', (log) => log.splice(3, 1)],
    [
      'a payment that made coins twice',
      'payment-claims',
      (log) => {
        const again = structuredClone(log[4]!);
        Object.assign(again.data, { purchaseId: 'ann.4', balance: 150 });
        again.metadata = { idempotencyKey: 'buy-2', bodyHash: 'b1' };
        log.push({ ...again, revision: 4 });
      },
    ],
    ['other coins than were claimed', 'payment-claims', (log) => Object.assign(log[3]!.data, { coins: 99 })],
    [
      'a payment claimed twice',
      'payment-claims',
      (log) => log.splice(4, 0, { ...structuredClone(log[3]!), revision: 1 }),
    ],
    ['a claim released whose key was free', 'payment-claims', (log) => log.push(...releasedClaim('g3'))],
    ['a claim released whose key went before it', 'payment-claims', (log) => log.push(...releasedClaim('g1'))],
    [
      'a released payment that made coins',
      'payment-claims',
      (log) => log.push({ ...releasedClaim('buy-1')[1]!, stream: 'payment-shop-p1', data: { ...log[3]!.data } }),
    ],
    [
      'a room confirmed to be what it is not',
      'rooms',
      (log) => log.push({ ...log[2]!, revision: 1, type: 'RoomConfirmed', data: { ...log[2]!.data, closedAt: AT } }),
    ],
    [
      'a claim that nobody finished',
      'payment-claims',
      (log) => {
        const data = { ...log[3]!.data, paymentId: 'p2' };
        log.push({ stream: 'payment-shop-p2', revision: 0, type: 'PaymentClaimed', data, metadata: {} });
        const metadata = { recordedAt: '2026-01-01T10:02:00.000Z' };
        log.push({ stream: 'wallet-zoe', revision: 0, type: 'WalletOpened', data: {}, metadata });
      },
    ],
    ['history without a claim', 'history-claims', (log) => log.splice(8, 1)],
    ['a line of history for somebody else', 'history-claims', (log) => Object.assign(log[8]!.data, { coins: 8 })],
    [
      'one key accepted twice',
      'idempotency-keys',
      (log) => (log[SECOND_GIFT]!.metadata = { idempotencyKey: 'g1', bodyHash: 'x', previousOfType: 2 }),
    ],
    ['a hole in the revisions of a stream', 'revisions', (log) => log.splice(FIRST_GIFT, 1)],
    [
      'a gift whose id points elsewhere',
      'revisions',
      (log) => Object.assign(log[FIRST_GIFT]!.data, { giftId: 'ann.7' }),
    ],
    [
      'a broken link to the gift before',
      'revisions',
      (log) => (log[SECOND_GIFT]!.metadata = { idempotencyKey: 'g2', bodyHash: 'y', previousOfType: 1 }),
    ],
    [
      'a gift of half a unit',
      'whole-amounts',
      (log) => Object.assign(log[FIRST_GIFT]!.data, { quantity: 0.5, priceCoins: 60 }),
    ],
    ['a confirmed balance that is wrong', 'no-negative-balance', (log) => log.push(confirmed('wallet-ann', 4, 49))],
    [
      'a credit in the stream of another creator',
      'credited-once',
      (log) => Object.assign(log[FIRST_CREDIT]!.data, { creatorId: 'dora' }),
    ],
    [
      'a credit that says its gift stands elsewhere',
      'settlement-order',
      (log) => {
        Object.assign(log[FIRST_CREDIT]!.data, { giftPosition: positionOf(4) });
        log[FIRST_CREDIT]!.metadata = { settledThrough: positionOf(4) };
      },
    ],
    ['a creator who begins without saying how far', 'settlement-order', (log) => (log[1]!.metadata = {})],
    [
      'an event of somebody else that takes back how far was settled',
      'settlement-order',
      (log) => log.push({ ...afterAll(log, 'creator-cleo', 'PayoutRequested'), metadata: SETTLED_LESS }),
    ],
    ['a claim in the stream of another payment', 'payment-claims', (log) => (log[3]!.stream = 'payment-shop-p9')],
    [
      'coins for somebody else than claimed',
      'payment-claims',
      (log) => Object.assign(log[3]!.data, { viewerId: 'zoe' }),
    ],
    [
      'coins for another price',
      'payment-claims',
      (log) => Object.assign(log[3]!.data, { price: { ...PRICE, amountMinor: 1 } }),
    ],
    [
      'coins for another currency',
      'payment-claims',
      (log) => Object.assign(log[3]!.data, { price: { ...PRICE, currency: 'EUR' } }),
    ],
    [
      'coins bought at another time than claimed',
      'payment-claims',
      (log) => Object.assign(log[3]!.data, { occurredAt: LATER }),
    ],
    [
      'coins bought under another key than claimed',
      'payment-claims',
      (log) => (log[4]!.metadata = { idempotencyKey: 'x', bodyHash: 'b1' }),
    ],
    [
      'a gift from history that belongs to no line',
      'history-claims',
      (log) => Object.assign(log[FIRST_GIFT]!.data, { imported: true }),
    ],
    ['a line of history in another room', 'history-claims', (log) => Object.assign(log[8]!.data, { roomId: 'r2' })],
    [
      'a line of history for another creator',
      'history-claims',
      (log) => Object.assign(log[8]!.data, { creatorId: 'dora' }),
    ],
    [
      'a line of history sent at another time',
      'history-claims',
      (log) => Object.assign(log[11]!.data, { occurredAt: LATER }),
    ],
    [
      'a line of history bought at another time',
      'history-claims',
      (log) => Object.assign(log[10]!.data, { occurredAt: LATER }),
    ],
    [
      'a line of history bought twice',
      'history-claims',
      (log) => insert(log, 11, { ...structuredClone(log[10]!), revision: 2 }),
    ],
    [
      'a key on two bodies that stand together',
      'idempotency-keys',
      (log) =>
        log.push({
          ...afterAll(log, 'wallet-ann', 'ViewerDetailsChanged'),
          metadata: { idempotencyKey: 'g2', bodyHash: 'other' },
        }),
    ],
    ['a wallet opened twice', 'revisions', (log) => log.push(afterAll(log, 'wallet-ann', 'WalletOpened'))],
    ['a wallet that was never opened', 'revisions', (log) => log.push(confirmed('wallet-zoe', 0, 0))],
    [
      'a creator registered twice',
      'revisions',
      (log) => {
        const metadata = { settledThrough: positionOf(11) };
        log.push({ ...afterAll(log, 'creator-cleo', 'CreatorRegistered'), metadata });
      },
    ],
    [
      'a broken link to the credit before',
      'revisions',
      (log) => (log[SECOND_CREDIT]!.metadata = { settledThrough: positionOf(6), previousOfType: 0 }),
    ],
    ['a claim that stands in the log twice', 'revisions', (log) => log.splice(4, 0, structuredClone(log[3]!))],
    ['a room opened twice', 'rooms', (log) => log.push({ ...structuredClone(log[2]!), revision: 1 })],
    [
      'a room closed twice',
      'rooms',
      (log) => log.push(...[1, 2].map((revision) => ({ ...structuredClone(log[2]!), revision, type: 'RoomClosed' }))),
    ],
    [
      'a room closed that was never opened',
      'rooms',
      (log) => log.push({ ...afterAll(log, 'room-r9', 'RoomClosed'), data: { roomId: 'r9' } }),
    ],
    ['a gift into a room that never was', 'rooms', (log) => log.splice(2, 1)],
    ["a gift into somebody else's room", 'rooms', (log) => Object.assign(log[2]!.data, { creatorId: 'dora' })],
  ];

  it.each(breaches)('finds %s', async (_breach, rule, change) => {
    expect(await rulesBrokenBy(change)).toContain(rule);
  });

  it('finds positions that fall', async () => {
    const log = recorded(soundLog());
    const swapped = log.map((event, index) => (index === 1 ? { ...event, position: positionOf(0) } : event));
    expect((await audit(swapped)).map(({ rule }) => rule)).toContain('positions');
  });

  it('finds positions of another width', async () => {
    const log = recorded(soundLog());
    const wider = log.map((event, index) =>
      index === 13 ? { ...event, position: `9${event.position}` as Position } : event,
    );
    expect((await audit(wider)).map(({ rule }) => rule)).toContain('positions');
  });

  it('names the event that it found', async () => {
    const drafts = soundLog();
    Object.assign(drafts[FIRST_GIFT]!.data, { diamonds: 1501 });
    const [finding] = await audit(recorded(drafts));
    expect(finding).toEqual({
      rule: 'share',
      stream: 'wallet-ann',
      revision: 2,
      position: positionOf(FIRST_GIFT),
      detail: '1501 diamonds for 30 coins at 5000 basis points; due are 1500',
    });
  });

  it('lets a claim go whose key another command took', async () => {
    expect(await rulesBrokenBy((log) => log.push(...releasedClaim('g2')))).toEqual([]);
    const claimedAgain = { ...releasedClaim('g2')[0]!, revision: 2 };
    expect(await rulesBrokenBy((log) => log.push(...releasedClaim('g2'), claimedAgain))).toEqual([]);
  });

  it('lets payments that were claimed at one moment, and history, take a wallet over its limit', async () => {
    expect(await rulesBrokenBy((log) => log.push(...filledUp(999, 999)))).toEqual([]);
    const [claim, , bought, sent] = soundLog()
      .slice(8, 12)
      .map((draft) => structuredClone(draft));
    Object.assign(claim!.data, { viewerId: 'dora', importId: 'row-2', walletRevision: 1_000 });
    Object.assign(bought!.data, { viewerId: 'dora', purchaseId: 'dora.1001', paymentId: 'row-2', balance: 1e12 + 7 });
    Object.assign(sent!.data, { viewerId: 'dora', giftId: 'dora.1002', importId: 'row-2', balance: 1e12 });
    const history = [
      { ...claim!, stream: 'import-row-2' },
      { ...bought!, stream: 'wallet-dora', revision: 1_001 },
      { ...sent!, stream: 'wallet-dora', revision: 1_002 },
    ];
    expect(await rulesBrokenBy((log) => log.push(...filledUp(999), ...history))).toEqual([]);
  });

  it('says so when more keys seem to come twice than it looks up', async () => {
    const findings: Finding[] = [];
    const streams = new StreamsAudit((finding) => findings.push(finding), 1);
    const log = recorded(soundLog());
    for (const revision of [4, 5, 6]) {
      streams.recorded({ ...log[FIRST_GIFT]!, revision, position: positionOf(100 + revision) });
    }
    findings.length = 0;
    streams.finish();
    expect(findings).toMatchObject([{ rule: 'idempotency-keys', stream: null }]);
  });

  it('lets what has just been written be finished a moment later', async () => {
    expect(await rulesBrokenBy((log) => log.pop())).toEqual([]);
  });

  it('asks of a running engine what it should have done a minute ago', async () => {
    engineNowMs = Date.parse(AT) + 61_000;
    expect(await rulesBrokenBy((log) => log.pop())).toEqual(['credited-once']);
    engineNowMs = null;
  });

  it('takes keys that come back after more commands than a wallet remembers, without reading its stream again', async () => {
    const log = recorded(soundLog());
    const cycle = 20_001;
    const more = Array.from({ length: 3 * cycle }, (_, index) => ({
      ...log[0]!,
      type: 'ViewerDetailsChanged',
      revision: 4 + index,
      position: positionOf(log.length + index),
      metadata: { ...log[0]!.metadata, idempotencyKey: `k${index % cycle}`, bodyHash: 'z' },
    }));
    streamReads = 0;
    expect(await audit([...log, ...more])).toEqual([]);
    expect(streamReads).toBe(0);
  });
});
