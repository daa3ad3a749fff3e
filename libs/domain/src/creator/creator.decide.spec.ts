import type { GiftId, Position } from '@livegift/kernel';
import { scenarioOf, stateAfter } from '@livegift/testing';
import { creatorDecider, type CreditGift } from './creator.decide.js';
import type { CreatorRegistered, DiamondsCredited } from './creator.events.js';

const AT = '2026-03-01T12:00:00.000Z';
const given = scenarioOf(creatorDecider);
const position = (n: number): Position => String(n).padStart(16, '0') as Position;

const registered: CreatorRegistered = {
  type: 'CreatorRegistered',
  schemaVersion: 1,
  data: { creatorId: 'cleo', occurredAt: AT },
};
const creditGift = (at: number): CreditGift => ({
  type: 'CreditGift',
  creatorId: 'cleo',
  giftId: `ann.${at}` as GiftId,
  giftPosition: position(at),
  roomId: 'r1',
  coins: 2,
  diamonds: 100,
  occurredAt: AT,
});
const credited = (at: number, balance: number): DiamondsCredited => ({
  type: 'DiamondsCredited',
  schemaVersion: 1,
  data: {
    creatorId: 'cleo',
    giftId: `ann.${at}` as GiftId,
    giftPosition: position(at),
    roomId: 'r1',
    coins: 2,
    diamonds: 100,
    balance,
    occurredAt: AT,
  },
});

describe('registering a creator', () => {
  const register = { type: 'RegisterCreator', creatorId: 'cleo', occurredAt: AT } as const;

  it('registers', () => given().when(register).then(registered));
  it('accepts it again, with nothing to write', () => given(registered).when(register).then());
  it('comes late, after credits', () => given(credited(5, 100)).when(register).then(registered));
});

describe('crediting a gift', () => {
  it('credits it', () => given(registered).when(creditGift(5)).then(credited(5, 100)));
  it('adds to the balance', () => given(registered, credited(5, 100)).when(creditGift(9)).then(credited(9, 200)));
  it('needs no registration: a gift that was sent is owed', () => given().when(creditGift(5)).then(credited(5, 100)));
  it.each([4, 5])('skips position %i when settled through 5', (at) => {
    given(registered, credited(5, 100)).when(creditGift(at)).then();
  });
});

it('knows where its last credit stands and how far it is settled', () => {
  const state = stateAfter(creatorDecider, [credited(5, 100), registered, credited(9, 200), credited(11, 300)]);
  expect(state).toEqual({
    registered: true,
    balance: 300,
    settledThrough: position(11),
    lastCreditRevision: 3,
    nextRevision: 4,
  });
});
