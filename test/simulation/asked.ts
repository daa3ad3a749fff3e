import { canonicalJson, type RecordedEvent } from '@livegift/kernel';
import type {
  BulkGiftLine,
  ChangeViewerDetailsBody,
  HistoryLine,
  OpenRoomBody,
  OpenWalletBody,
  PurchaseCoinsBody,
  SendGiftBody,
} from '@livegift/contracts';

/** What the platform wants done: one command, asked for as often as it takes, always under the same key. */
export type Wish =
  | { readonly kind: 'open-wallet'; readonly body: OpenWalletBody }
  | { readonly kind: 'change-details'; readonly viewerId: string; readonly body: ChangeViewerDetailsBody }
  | { readonly kind: 'purchase'; readonly viewerId: string; readonly body: PurchaseCoinsBody }
  | { readonly kind: 'open-room'; readonly body: OpenRoomBody }
  | { readonly kind: 'close-room'; readonly roomId: string }
  | { readonly kind: 'gift'; readonly roomId: string; readonly body: SendGiftBody }
  | { readonly kind: 'import'; readonly body: HistoryLine };

/** The place in the log before which everything is durable, and the time. */
export interface Moment {
  readonly atMs: number;
  readonly logLength: number;
}

export type Result =
  /** `answer` is null where a bulk line said no more than id and position. */
  | {
      readonly kind: 'accepted';
      readonly answer: Readonly<Record<string, unknown>> | null;
      readonly position: string | null;
      readonly giftId: string | null;
      readonly replayed: boolean;
      readonly created: boolean | null;
    }
  | { readonly kind: 'refused'; readonly code: string; readonly details: Readonly<Record<string, unknown>> | null }
  /** 503 or 409 `contention`: perhaps done, perhaps not. */
  | { readonly kind: 'failed'; readonly code: string }
  /** No answer: the process died, or it took too long. */
  | { readonly kind: 'lost' };

export interface Attempt {
  readonly process: string;
  readonly began: Moment;
  readonly ended: Moment;
  readonly result: Result;
}

/** One wish with everything that was said about it. */
export class Asked {
  readonly attempts: Attempt[] = [];
  /** Attempts that are not answered yet (also those that the platform stopped waiting for). */
  open = 0;

  constructor(
    readonly number: number,
    readonly wish: Wish,
    readonly key: string | null,
  ) {}

  /** The stream that its key belongs to. */
  get stream(): string {
    switch (this.wish.kind) {
      case 'open-wallet':
      case 'gift':
        return `wallet-${this.wish.body.viewerId}`;
      case 'change-details':
      case 'purchase':
        return `wallet-${this.wish.viewerId}`;
      case 'open-room':
        return `room-${this.wish.body.roomId}`;
      case 'close-room':
        return `room-${this.wish.roomId}`;
      case 'import':
        return `import-${this.wish.body.importId}`;
    }
  }

  get accepted(): Extract<Result, { kind: 'accepted' }> | null {
    for (const { result } of this.attempts) if (result.kind === 'accepted') return result;
    return null;
  }

  /** It was accepted, or refused, by any of its answers: late ones count. */
  get settled(): boolean {
    return this.attempts.some(({ result: { kind } }) => kind === 'accepted' || kind === 'refused');
  }

  /** Every attempt was answered by a refusal: then nothing of it may be in the log. */
  get surelyRefused(): boolean {
    return (
      this.open === 0 && this.attempts.length > 0 && this.attempts.every(({ result }) => result.kind === 'refused')
    );
  }

  toString(): string {
    return `#${this.number} ${this.wish.kind} ${this.key ?? ''} ${canonicalJson('body' in this.wish ? this.wish.body : this.wish.roomId)}`;
  }
}

/** The event that an accepted answer speaks of, by what stands in it. */
export function isEventOf(asked: Asked, event: RecordedEvent): boolean {
  const data = event.data as Readonly<Record<string, unknown>>;
  const { wish } = asked;
  switch (wish.kind) {
    case 'gift': {
      const { viewerId, gift, quantity } = wish.body;
      const same = data['roomId'] === wish.roomId && data['gift'] === gift && data['quantity'] === (quantity ?? 1);
      return event.type === 'GiftSent' && data['viewerId'] === viewerId && same;
    }
    case 'purchase':
      return (
        event.type === 'CoinsPurchased' &&
        data['viewerId'] === wish.viewerId &&
        data['coins'] === wish.body.coins &&
        data['paymentId'] === wish.body.paymentId
      );
    case 'import':
      return event.type === 'GiftSent' && data['importId'] === wish.body.importId && data['coins'] === wish.body.coins;
    case 'open-wallet':
      return event.stream === asked.stream;
    case 'change-details':
      return event.stream === asked.stream;
    case 'open-room':
      // Opened once more, it answers with where the room stands now, perhaps closed.
      return event.stream === asked.stream;
    case 'close-room':
      return (event.type === 'RoomClosed' || event.type === 'RoomConfirmed') && event.stream === asked.stream;
  }
}

export function bulkLine(wish: Extract<Wish, { kind: 'gift' }>, key: string): BulkGiftLine {
  return { ...wish.body, roomId: wish.roomId, idempotencyKey: key };
}
