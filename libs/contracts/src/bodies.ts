/** What commands take over HTTP; validating classes in gift-api implement these. */

export interface OpenWalletBody {
  readonly viewerId: string;
  readonly region: string;
  readonly ageAssured: boolean;
}

export interface ChangeViewerDetailsBody {
  readonly region: string;
  readonly ageAssured: boolean;
}

export interface PurchaseCoinsBody {
  readonly coins: number;
  readonly price: { readonly amountMinor: number; readonly currency: string };
  readonly provider: string;
  readonly paymentId: string;
}

export interface OpenRoomBody {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title?: string | null;
}

export interface SenderBody {
  readonly name: string;
  readonly avatarUrl?: string | null;
}

export interface SendGiftBody {
  readonly viewerId: string;
  readonly gift: string;
  readonly quantity?: number;
  readonly message?: string | null;
  readonly sender?: SenderBody | null;
}

export interface BulkGiftLine extends SendGiftBody {
  readonly idempotencyKey: string;
  readonly roomId: string;
}

export interface HistoryLine {
  readonly importId: string;
  readonly at: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly coins: number;
}

/** An event of the log, as `GET /v1/events` gives it. */
export interface LogEvent {
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly data: unknown;
}
