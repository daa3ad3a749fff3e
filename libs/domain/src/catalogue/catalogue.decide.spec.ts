import { COMMAND_COINS_MAX, ID_PATTERN } from '@livegift/kernel';
import { scenarioOf, stateAfter } from '@livegift/testing';
import { CATALOGUE_GIFTS_MAX, catalogueDecider, giftListed, giftNamed, tierFor } from './catalogue.decide.js';
import { DEFAULT_CATALOGUE } from './default-catalogue.js';

const AT = '2026-03-01T12:00:00.000Z';
const given = scenarioOf(catalogueDecider);
const rose = { name: 'rose', title: 'Rose', coins: 1, tier: 'small', icon: '🌹' } as const;
const roseListed = giftListed(rose, AT);
const listRose = { type: 'ListGift', ...rose, occurredAt: AT } as const;
const retired = { type: 'GiftRetired', schemaVersion: 1, data: { name: 'rose', occurredAt: AT } } as const;
const repriced = {
  type: 'GiftRepriced',
  schemaVersion: 1,
  data: { name: 'rose', coins: 600, tier: 'large', occurredAt: AT },
} as const;

describe('the catalogue', () => {
  it('lists a gift, once', () => {
    given().when(listRose).then(roseListed);
    given(roseListed).when(listRose).then();
    given(roseListed)
      .when({ ...listRose, coins: 2 })
      .thenRefused('gift-exists');
  });

  it('reprices it, with the tier of the new price', () => {
    const reprice = { type: 'RepriceGift', name: 'rose', coins: 600, occurredAt: AT } as const;
    given(roseListed).when(reprice).then(repriced);
    given(roseListed, repriced).when(reprice).then();
    given().when(reprice).thenRefused('gift-unknown');
  });

  it('retires it, after which it is unknown and may be listed anew', () => {
    const retire = { type: 'RetireGift', name: 'rose', occurredAt: AT } as const;
    given(roseListed).when(retire).then(retired);
    given(roseListed, retired).when(retire).thenRefused('gift-unknown');
    given(roseListed, retired).when(listRose).then(roseListed);
  });

  it('is bounded', () => {
    const full = Array.from({ length: CATALOGUE_GIFTS_MAX }, (_, i) => giftListed({ ...rose, name: `gift-${i}` }, AT));
    given(...full)
      .when(listRose)
      .thenRefused('catalogue-full');
  });

  it('knows its gifts by name', () => {
    const state = stateAfter(catalogueDecider, [roseListed, repriced]);
    expect(giftNamed(state, 'rose')).toEqual({ ...rose, coins: 600, tier: 'large' });
    expect(giftNamed(state, 'tulip')).toBeUndefined();
  });
});

describe('the default list', () => {
  it.each([
    ['cheer', 1],
    ['rose', 1],
    ['finger-heart', 5],
    ['perfume', 20],
    ['doughnut', 30],
    ['paper-crane', 99],
    ['lion', 29_999],
    ['universe', 34_999],
  ])('has %s at %i', (name, coins) => {
    expect(DEFAULT_CATALOGUE.find((gift) => gift.name === name)?.coins).toBe(coins);
  });

  it('has unique names and icons, valid names and prices, and the tier of each price', () => {
    expect(DEFAULT_CATALOGUE.length).toBeGreaterThan(24);
    expect(new Set(DEFAULT_CATALOGUE.map((gift) => gift.name)).size).toBe(DEFAULT_CATALOGUE.length);
    expect(new Set(DEFAULT_CATALOGUE.map((gift) => gift.icon)).size).toBe(DEFAULT_CATALOGUE.length);
    for (const { name, coins, tier, icon } of DEFAULT_CATALOGUE) {
      expect(name).toMatch(ID_PATTERN);
      expect(coins).toBeLessThanOrEqual(COMMAND_COINS_MAX);
      expect(tier).toBe(tierFor(coins));
      expect([...new Intl.Segmenter().segment(icon)]).toHaveLength(1);
    }
  });

  it('can be listed from nothing', () => {
    const state = stateAfter(
      catalogueDecider,
      DEFAULT_CATALOGUE.map((gift) => giftListed(gift, AT)),
    );
    expect(state.gifts).toEqual(DEFAULT_CATALOGUE);
  });
});
