import { ROOM_FEED_DEFAULTS, type RoomFeedConfig } from '@livegift/room-feed';

/** What a gateway can be told. Times in milliseconds. */
export interface RoomGatewayConfig {
  readonly feed: RoomFeedConfig;
  readonly connectionsMax: number;
  /** A client with more than this waiting to be sent is cut off; more than one room's window. */
  readonly slowClientBytesMax: number;
  /** An SSE client that takes nothing of what waits for it for this long is cut off; WebSockets have to answer pings. */
  readonly slowClientMsMax: number;
  /** How long a client that is being closed may take to read what is on its way. */
  readonly closeMsMax: number;
  /** Clients have nothing to say; one that says more than so much (in one message, between two pings) is closed. */
  readonly inboundBytesMax: number;
  readonly inboundMessagesPerPingMax: number;
  /** A WebSocket that answers no ping for so long is gone. */
  readonly pingEveryMs: number;
  /** A client may come right after the POST that opened its room: so long it is looked for. */
  readonly unknownRoomWaitMs: number;
  readonly afterWaitMsMax: number;
  /** A client may come from a gateway that was ahead: so long its frame is waited for. */
  readonly aheadWaitMs: number;
  /** And so long for the feed, when the gateway has just started. */
  readonly feedWaitMs: number;
  /** SSE clients are told to come back after this. */
  readonly sseRetryMs: number;
  readonly backOffMs: number;
  readonly backOffMsMax: number;
}

export const ROOM_GATEWAY_DEFAULTS: RoomGatewayConfig = {
  feed: ROOM_FEED_DEFAULTS,
  connectionsMax: 20_000,
  slowClientBytesMax: 4 * 1024 * 1024,
  slowClientMsMax: 30_000,
  closeMsMax: 3_000,
  inboundBytesMax: 4_096,
  inboundMessagesPerPingMax: 100,
  pingEveryMs: 30_000,
  unknownRoomWaitMs: 500,
  afterWaitMsMax: 5_000,
  aheadWaitMs: 2_000,
  feedWaitMs: 5_000,
  sseRetryMs: 1_000,
  backOffMs: 100,
  backOffMsMax: 5_000,
};
