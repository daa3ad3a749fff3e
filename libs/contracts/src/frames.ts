import type { BoardEntryAnswer } from './query-answers.js';

/** What a room's WebSocket and SSE carry: one JSON frame a message. Clients ignore types and fields they don't know. */

export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly frameId: string;
  readonly leaderboard: readonly BoardEntryAnswer[];
  readonly keepAliveMs: number;
  readonly streakWindowMs: number;
}

/** A gift frame without its `frameId`: also the value of a gift on Kafka. */
export interface GiftMessage {
  readonly type: 'gift';
  readonly giftId: string;
  readonly position: string;
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly sender: { readonly name: string; readonly avatarUrl: string | null } | null;
  readonly gift: string;
  readonly giftInfo: { readonly title: string; readonly priceCoins: number; readonly icon: string };
  readonly quantity: number;
  readonly coins: number;
  readonly diamonds: number;
  readonly message: string | null;
  readonly streak: { readonly id: string; readonly count: number } | null;
  readonly occurredAt: string;
}

export interface GiftFrame extends GiftMessage {
  readonly frameId: string;
}

/** The value of a room's opening and closing on Kafka. */
export interface RoomMessageBody {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
}

export interface StreakEndedFrame {
  readonly type: 'streak-ended';
  readonly streak: { readonly id: string; readonly count: number; readonly coins: number };
  readonly viewerId: string;
  readonly gift: string;
}

export interface LeaderboardFrame {
  readonly type: 'leaderboard';
  readonly entries: readonly BoardEntryAnswer[];
}

export interface RecoveredFrame {
  readonly type: 'recovered';
  readonly complete: boolean;
}

export type RoomFrame =
  | WelcomeFrame
  | GiftFrame
  | StreakEndedFrame
  | LeaderboardFrame
  | RecoveredFrame
  | { readonly type: 'room-closed' }
  | { readonly type: 'keep-alive' };
