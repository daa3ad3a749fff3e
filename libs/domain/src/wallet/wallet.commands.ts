import type { Coins, Diamonds, Instant, Money } from '@livegift/kernel';
import type { Sender } from './wallet.events.js';

export interface OpenWallet {
  readonly type: 'OpenWallet';
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
  readonly imported: boolean;
  readonly occurredAt: Instant;
}

export interface ChangeViewerDetails {
  readonly type: 'ChangeViewerDetails';
  readonly region: string;
  readonly ageAssured: boolean;
  readonly occurredAt: Instant;
}

export interface Purchase {
  readonly coins: Coins;
  readonly price: Money;
  readonly provider: string;
  readonly paymentId: string;
  readonly occurredAt: Instant;
}

/** Decided dry before the payment is claimed. */
export interface PurchaseCoins extends Purchase {
  readonly type: 'PurchaseCoins';
}

/** The same after its payment was claimed: it can no longer be refused. */
export interface CompletePurchase extends Purchase {
  readonly type: 'CompletePurchase';
}

export interface SendGift {
  readonly type: 'SendGift';
  readonly roomId: string;
  readonly gift: string;
  readonly quantity: number;
  readonly message: string | null;
  readonly sender: Sender | null;
  readonly occurredAt: Instant;
  readonly streakWindowMs: number;
  readonly creatorShareBps: number;
  /** What the room's stream said; null: there is no such room. */
  readonly room: { readonly creatorId: string; readonly open: boolean } | null;
  /** What the room's creator has earned, by what was known a moment ago; 0 without a room. */
  readonly creatorDiamonds: Diamonds;
  /** Of one, by the catalogue; null: it has no such gift. */
  readonly priceCoins: Coins | null;
}

/** One line of history from elsewhere: it happened, so neither age nor freeze nor balance is asked. */
export interface ImportGift {
  readonly type: 'ImportGift';
  readonly importId: string;
  readonly viewerId: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly coins: Coins;
  readonly creatorShareBps: number;
  readonly occurredAt: Instant;
}

export type WalletCommand = OpenWallet | ChangeViewerDetails | PurchaseCoins | CompletePurchase | SendGift | ImportGift;
