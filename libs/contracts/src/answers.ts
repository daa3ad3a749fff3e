import type { FieldError } from './field-errors.js';
/** What accepted commands and queries answer over HTTP. Every field is always there; an absent value is null. */

export interface WalletAnswer {
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
  readonly coins: number;
  readonly position: string;
}

export interface PurchaseAnswer {
  readonly purchaseId: string;
  readonly viewerId: string;
  readonly coins: number;
  readonly balance: number;
  readonly position: string;
}

export interface RoomAnswer {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly state: 'open';
  readonly openedAt: string;
  readonly position: string;
}

export interface RoomClosedAnswer {
  readonly roomId: string;
  readonly state: 'closed';
  readonly position: string;
}

export interface GiftAnswer {
  readonly giftId: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly gift: string;
  readonly quantity: number;
  readonly coins: number;
  readonly diamonds: number;
  readonly streak: { readonly id: string; readonly count: number };
  readonly balance: number;
  readonly position: string;
}

export interface ReceiptAnswer {
  readonly giftId: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly gift: string;
  readonly quantity: number;
  readonly coins: number;
  readonly diamonds: number;
  readonly creatorShareBps: number;
  readonly platformDiamonds: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly imported: boolean;
  readonly streak: { readonly id: string; readonly count: number } | null;
  readonly message: string | null;
  readonly sender: { readonly name: string; readonly avatarUrl: string | null } | null;
  readonly creditedAt: string | null;
  readonly position: string;
}

/** One line of the answer to bulk gifts and to imported history. */
export interface LineAnswer {
  /** From 1. */
  readonly line: number;
  readonly status: 'accepted' | 'replayed' | 'refused' | 'invalid' | 'retry';
  readonly giftId?: string;
  readonly position?: string;
  readonly code?: string;
  /** What was wrong, in words, where the code alone does not say it. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly FieldError[];
}
