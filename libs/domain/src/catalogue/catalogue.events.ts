import type { Coins, DomainEvent, Instant } from '@livegift/kernel';

export type GiftTier = 'small' | 'medium' | 'large' | 'grand';

export type GiftListed = DomainEvent<
  'GiftListed',
  {
    readonly name: string;
    readonly title: string;
    readonly coins: Coins;
    readonly tier: GiftTier;
    /** One emoji. */
    readonly icon: string;
    readonly occurredAt: Instant;
  }
>;
export type GiftRepriced = DomainEvent<
  'GiftRepriced',
  { readonly name: string; readonly coins: Coins; readonly tier: GiftTier; readonly occurredAt: Instant }
>;
export type GiftRetired = DomainEvent<'GiftRetired', { readonly name: string; readonly occurredAt: Instant }>;

export type CatalogueEvent = GiftListed | GiftRepriced | GiftRetired;

export const CATALOGUE_STREAM = 'catalogue';
