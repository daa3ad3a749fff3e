import { sourcePartitionOf, type FanOut } from '@livegift/fanout';
import { FeedPump } from '@livegift/room-gateway/feed-pump';
import { ROOM_FEED_DEFAULTS, RoomFeed, type RoomFeedConfig } from '@livegift/room-feed';
import type { SimulatedProcess } from '@livegift/testing';

/** The room gateway without its sockets: clients of the simulation join its feed directly. */
export class SimulatedGateway {
  readonly feed: RoomFeed;
  readonly #pump: FeedPump;

  constructor(process: SimulatedProcess, fanOut: FanOut, epoch: string, config: Partial<RoomFeedConfig>) {
    const { clock, scheduler, telemetry } = process;
    this.feed = new RoomFeed({
      epoch,
      sourcePartitionCount: fanOut.sourcePartitionCount,
      sourcePartitionOf: (roomId) => sourcePartitionOf(roomId, fanOut.sourcePartitionCount),
      askBoard: async () => ({ entries: [], position: null }),
      clock,
      scheduler,
      telemetry,
      config: { ...ROOM_FEED_DEFAULTS, ...config },
    });
    this.#pump = new FeedPump({
      fanOut,
      feed: this.feed,
      scheduler,
      telemetry,
      config: { backMs: 900_000, backOffMs: 20, backOffMsMax: 200 },
    });
  }

  start(): void {
    this.#pump.start();
  }

  async stop(): Promise<void> {
    this.feed.close('going-away');
    await this.#pump.stop();
  }
}
