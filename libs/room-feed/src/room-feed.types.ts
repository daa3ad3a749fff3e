import type { Clocks, Position, Scheduler, Telemetry } from '@livegift/kernel';
import type { BoardEntryAnswer } from '@livegift/contracts';
import type { FrameBatch } from './feed-frame.js';

/** A room's message as the fan-out carries it. */
export interface FeedMessage {
  readonly type: 'gift-sent' | 'room-opened' | 'room-closed';
  readonly roomId: string;
  readonly storeId: string;
  readonly position: Position;
  readonly occurredAt: string;
  readonly body: string;
}

/** A delivery of the fan-out's subscription. */
export interface FeedDelivery {
  readonly messages: readonly FeedMessage[];
  readonly floors: readonly { readonly sourcePartition: number; readonly position: Position }[];
  readonly caughtUp: boolean;
}

export interface RoomFacts {
  readonly creatorId: string;
  readonly title: string | null;
}

/** The room's top ten of all time, and how far the read model had got. */
export interface RoomBoard {
  readonly entries: readonly BoardEntryAnswer[];
  readonly position: Position | null;
}

/** What is known of a room's gifts without having seen them. */
export interface RoomHistory {
  /** Position of its newest gift that was shown live; null: there was none. */
  readonly lastGift: Position | null;
  /** Events later than this were not looked at. */
  readonly through: Position;
}

/** Why a connection is ended by the feed. */
export type EndReason =
  | 'room-closed'
  /** The server is going. */
  | 'going-away'
  /** The feed lost messages: come back and resume, to be told what is missing. */
  | 'gap';

/** One client's connection to a room. */
export interface RoomSubscriber {
  write(batch: FrameBatch): void;
  end(reason: EndReason): void;
}

export interface JoinRequest {
  readonly roomId: string;
  readonly facts: RoomFacts;
  readonly board: RoomBoard;
  /** The frame id to resume from, as the client gave it; null: from now on. */
  readonly from: string | null;
}

export interface RoomFeedConfig {
  readonly keepAliveMs: number;
  readonly streakWindowMs: number;
  /** How much later than its window a streak is ended, since its next gift may be on its way still. */
  readonly streakGraceMs: number;
  /** Frames of one room are collected for so long, then written together. */
  readonly tickMs: number;
  /** Connections that are written to in one turn of the event loop. */
  readonly connectionsPerTurn: number;
  /** A room's board is sent at most so often. */
  readonly leaderboardEveryMs: number;
  readonly leaderboardRetryMs: number;
  /** A room that is closed waits for its last leaderboard at most so long. */
  readonly closingBoardMsMax: number;
  readonly windowGiftsMax: number;
  readonly windowMs: number;
  /** Of all rooms together; the rooms that were quiet longest give theirs up first. */
  readonly windowBytesMax: number;
  /** Rooms that anything is remembered of. */
  readonly roomsMax: number;
  readonly roomConnectionsMax: number;
  readonly roomStreaksMax: number;
}

export const ROOM_FEED_DEFAULTS: RoomFeedConfig = {
  keepAliveMs: 15_000,
  streakWindowMs: 3_000,
  streakGraceMs: 300,
  tickMs: 5,
  connectionsPerTurn: 64,
  leaderboardEveryMs: 250,
  leaderboardRetryMs: 1_000,
  closingBoardMsMax: 2_000,
  windowGiftsMax: 2_000,
  windowMs: 900_000,
  windowBytesMax: 128 * 1024 * 1024,
  roomsMax: 20_000,
  roomConnectionsMax: 20_000,
  roomStreaksMax: 10_000,
};

export interface RoomFeedParts {
  /** The store's id: the first half of every frame id. */
  readonly epoch: string;
  readonly sourcePartitionCount: number;
  /** Which of them carries a room. */
  sourcePartitionOf(roomId: string): number;
  /** Asked at most once at a time per room; `position` is the newest gift that the answer should contain. */
  askBoard(roomId: string, position: Position): Promise<RoomBoard>;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: RoomFeedConfig;
}
