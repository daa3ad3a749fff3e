import type { Coins, Decider, Instant, Refused } from '@livegift/kernel';
import type { CatalogueEvent, GiftListed, GiftTier } from './catalogue.events.js';

/** Change it whenever the shape or the meaning of `CatalogueState` changes: older snapshots are then dropped. */
export const CATALOGUE_STATE_VERSION = 1;

/** So that one catalogue stays one small object. */
export const CATALOGUE_GIFTS_MAX = 1_000;

export interface GiftOnList {
  readonly name: string;
  readonly title: string;
  readonly coins: Coins;
  readonly tier: GiftTier;
  /** One emoji. */
  readonly icon: string;
}

export interface ListGift extends GiftOnList {
  readonly type: 'ListGift';
  readonly occurredAt: Instant;
}

export interface RepriceGift {
  readonly type: 'RepriceGift';
  readonly name: string;
  readonly coins: Coins;
  readonly occurredAt: Instant;
}

export interface RetireGift {
  readonly type: 'RetireGift';
  readonly name: string;
  readonly occurredAt: Instant;
}

export type CatalogueCommand = ListGift | RepriceGift | RetireGift;
export type CatalogueRefusal = 'gift-exists' | 'gift-unknown' | 'catalogue-full';

/** Plain JSON. `gifts` in the order in which they were listed, retired ones left out. */
export interface CatalogueState {
  readonly gifts: readonly GiftOnList[];
  /** Events so far. */
  readonly nextRevision: number;
}

export const catalogueDecider: Decider<CatalogueState, CatalogueCommand, CatalogueEvent, CatalogueRefusal> = {
  initialState: { gifts: [], nextRevision: 0 },
  decide: decideCatalogue,
  evolve: evolveCatalogue,
};

/** The gift that one may send under this name; undefined when there is none. */
export function giftNamed(catalogue: CatalogueState, name: string): GiftOnList | undefined {
  return catalogue.gifts.find((gift) => gift.name === name);
}

/** The tier goes by the price of one. */
export function tierFor(coins: Coins): GiftTier {
  if (coins < 20) return 'small';
  if (coins < 500) return 'medium';
  return coins < 10_000 ? 'large' : 'grand';
}

export function giftListed(gift: GiftOnList, occurredAt: Instant): GiftListed {
  const { name, title, coins, tier, icon } = gift;
  return { type: 'GiftListed', schemaVersion: 1, data: { name, title, coins, tier, icon, occurredAt } };
}

function decideCatalogue(
  command: CatalogueCommand,
  state: CatalogueState,
): readonly CatalogueEvent[] | Refused<CatalogueRefusal> {
  const { name, occurredAt } = command;
  const known = giftNamed(state, name);
  if (command.type === 'ListGift') {
    if (known !== undefined) return isSame(known, command) ? [] : { refused: 'gift-exists' };
    if (state.gifts.length >= CATALOGUE_GIFTS_MAX) return { refused: 'catalogue-full' };
    return [giftListed(command, occurredAt)];
  }
  if (known === undefined) return { refused: 'gift-unknown' };
  if (command.type === 'RetireGift') return [{ type: 'GiftRetired', schemaVersion: 1, data: { name, occurredAt } }];
  if (known.coins === command.coins) return [];
  const { coins } = command;
  return [{ type: 'GiftRepriced', schemaVersion: 1, data: { name, coins, tier: tierFor(coins), occurredAt } }];
}

function isSame(a: GiftOnList, b: GiftOnList): boolean {
  return a.title === b.title && a.coins === b.coins && a.tier === b.tier && a.icon === b.icon;
}

function evolveCatalogue(state: CatalogueState, event: CatalogueEvent): CatalogueState {
  const nextRevision = state.nextRevision + 1;
  switch (event.type) {
    case 'GiftListed': {
      const { name, title, coins, tier, icon } = event.data;
      return { gifts: [...state.gifts, { name, title, coins, tier, icon }], nextRevision };
    }
    case 'GiftRepriced': {
      const { name, coins, tier } = event.data;
      const gifts = state.gifts.map((gift) => (gift.name === name ? { ...gift, coins, tier } : gift));
      return { gifts, nextRevision };
    }
    case 'GiftRetired':
      return { gifts: state.gifts.filter((gift) => gift.name !== event.data.name), nextRevision };
    default:
      return { ...state, nextRevision };
  }
}
