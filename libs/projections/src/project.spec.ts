import { createHash } from 'node:crypto';
import type { Position, RecordedEvent } from '@livegift/kernel';
import type { ReadModelWrite } from '@livegift/read-model';
import { instantMs } from './instant-ms.js';
import { project, PROJECTED_TYPES, PROJECTIONS_VERSION } from './project.js';

const AT = '2026-05-13T10:20:30.400Z';
const POSITION = '0000000000000042' as Position;

function given(type: string, data: object, revision = 0): RecordedEvent {
  const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: AT };
  return {
    id: 'i',
    type,
    schemaVersion: 1,
    data: { ...data, occurredAt: AT },
    metadata,
    stream: 's',
    revision,
    position: POSITION,
  };
}

const gift = {
  giftId: 'ann.7',
  roomId: 'lounge',
  creatorId: 'cora',
  viewerId: 'ann',
  gift: 'rose',
  quantity: 3,
  priceCoins: 1,
  coins: 3,
  creatorShareBps: 5_000,
  diamonds: 150,
  streak: null,
  message: null,
  sender: { name: 'Ann', avatarUrl: null },
  balance: 97,
  imported: false,
  importId: null,
};

const ROOM_COUNTED = { giftCount: 1, coins: 3, diamonds: 150 };

const CASES: readonly (readonly [string, RecordedEvent, readonly ReadModelWrite[]])[] = [
  [
    'WalletOpened makes the wallet row',
    given('WalletOpened', { viewerId: 'ann', region: 'DE', ageAssured: true, imported: false }),
    [{ kind: 'row', table: 'wallet', id: 'ann', set: { region: 'DE', ageAssured: true } }],
  ],
  [
    'ViewerDetailsChanged changes it',
    given('ViewerDetailsChanged', { viewerId: 'ann', region: 'FR', ageAssured: false }),
    [{ kind: 'row', table: 'wallet', id: 'ann', set: { region: 'FR', ageAssured: false } }],
  ],
  [
    'CoinsPurchased sets the balance and adds to what was purchased',
    given(
      'CoinsPurchased',
      { purchaseId: 'ann.4', viewerId: 'ann', coins: 100, price: null, provider: 'p', paymentId: 'q', balance: 130 },
      4,
    ),
    [
      {
        kind: 'row',
        table: 'wallet',
        id: 'ann',
        set: { coins: 130, lastPurchaseRevision: 4 },
        add: { purchasedCoins: 100 },
      },
    ],
  ],
  [
    'GiftSent moves wallet, creator and room, and scores',
    given('GiftSent', gift, 7),
    [
      { kind: 'row', table: 'wallet', id: 'ann', set: { coins: 97, lastGiftRevision: 7 }, add: { spentCoins: 3 } },
      { kind: 'row', table: 'creator', id: 'cora', add: { diamonds: 150, giftCount: 1, coinsReceived: 3 } },
      { kind: 'row', table: 'room', id: 'lounge', set: { lastGiftPosition: POSITION }, add: ROOM_COUNTED },
      {
        kind: 'gift-scored',
        giftId: 'ann.7',
        roomId: 'lounge',
        creatorId: 'cora',
        viewerId: 'ann',
        coins: 3,
        diamonds: 150,
        position: POSITION,
        occurredAtMs: Date.parse(AT),
        name: 'Ann',
      },
    ],
  ],
  [
    'CreatorRegistered makes the creator row',
    given('CreatorRegistered', { creatorId: 'cora' }),
    [{ kind: 'row', table: 'creator', id: 'cora' }],
  ],
  [
    'DiamondsCredited moves only what was credited',
    given(
      'DiamondsCredited',
      {
        creatorId: 'cora',
        giftId: 'ann.7',
        giftPosition: POSITION,
        roomId: 'lounge',
        coins: 3,
        diamonds: 150,
        balance: 900,
      },
      5,
    ),
    [
      {
        kind: 'row',
        table: 'creator',
        id: 'cora',
        set: { lastCreditRevision: 5 },
        add: { creditedDiamonds: 150 },
      },
    ],
  ],
  [
    'RoomOpened makes the room row and lists it',
    given('RoomOpened', { roomId: 'lounge', creatorId: 'cora', title: null, imported: false }),
    [
      {
        kind: 'row',
        table: 'room',
        id: 'lounge',
        set: { creatorId: 'cora', title: null, state: 'open', openedAt: AT, closedAt: null, imported: false },
      },
      { kind: 'room-listed', roomId: 'lounge', creatorId: 'cora', state: 'open', openedPosition: POSITION },
    ],
  ],
  [
    'RoomOpened by history makes a closed room',
    given('RoomOpened', { roomId: 'lounge', creatorId: 'cora', title: null, imported: true }),
    [
      {
        kind: 'row',
        table: 'room',
        id: 'lounge',
        set: { creatorId: 'cora', title: null, state: 'closed', openedAt: AT, closedAt: AT, imported: true },
      },
      { kind: 'room-listed', roomId: 'lounge', creatorId: 'cora', state: 'closed', openedPosition: POSITION },
    ],
  ],
  [
    'RoomClosed closes it, where it stands on the list',
    given('RoomClosed', { roomId: 'lounge', creatorId: 'cora' }, 1),
    [
      { kind: 'row', table: 'room', id: 'lounge', set: { state: 'closed', closedAt: AT } },
      { kind: 'room-listed', roomId: 'lounge', creatorId: 'cora', state: 'closed', openedPosition: null },
    ],
  ],
];

describe('projections', () => {
  it.each(CASES)('%s', (_name, event, writes) => {
    expect(project(event)).toEqual(writes);
  });

  it('has a case for every type', () => {
    expect(new Set(CASES.map(([, { type }]) => type))).toEqual(new Set(PROJECTED_TYPES));
  });

  it('makes nothing of other types', () => {
    expect(project(given('PaymentClaimed', {}))).toEqual([]);
    expect(project(given('GiftListed', {}))).toEqual([]);
  });

  it('leaves the name out when the gift came without a sender', () => {
    expect(project(given('GiftSent', { ...gift, sender: null }, 7)).at(-1)).toMatchObject({ name: null });
  });

  it('does not take an imported gift for one that the room has shown', () => {
    const writes = project(given('GiftSent', { ...gift, imported: true }, 7));
    const happenedAt = AT;
    expect(writes).toContainEqual({ kind: 'row', table: 'room', id: 'lounge', add: ROOM_COUNTED, happenedAt });
  });
});

describe('instantMs', () => {
  it.each([
    '2026-05-13T10:20:30.400Z',
    '2026-05-13T10:59:59.999Z',
    '2026-05-13T11:00:00.000Z',
    '2026-05-13T10:20:30Z',
    '2026-05-13T10:20:30.4Z',
    '2024-02-29T23:59:59.001Z',
    '1969-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    '2026-05-13T10:20:30.123456Z',
  ])('reads %s as Date.parse does', (text) => {
    expect(instantMs(text)).toBe(Date.parse(text));
  });
});

/** Of what the cases above expect, by version. */
const WRITES_BY_VERSION: Readonly<Record<number, string>> = {
  1: 'a50b91f106040650867e2e75a7efb193267cc16672f135e5a5602c731a3149c8',
  2: '237118d509645e56359b0a3c656238629dd4ea09d6451ae5ecebeeb00bbc51a9',
  // The same writes; a retention counts from recordedAt.
  3: '237118d509645e56359b0a3c656238629dd4ea09d6451ae5ecebeeb00bbc51a9',
  // A room that history opened is closed, and its gifts say when they happened.
  4: '048753c886dfa9b42d6c61b059e8e00ee18a320eb405c349edb04faa175dcfdf',
};

it('has another version when it makes something else: what was folded before must be folded anew', () => {
  const writes = JSON.stringify(CASES.map(([, , expected]) => expected));
  expect(createHash('sha256').update(writes).digest('hex')).toBe(WRITES_BY_VERSION[PROJECTIONS_VERSION]);
});
