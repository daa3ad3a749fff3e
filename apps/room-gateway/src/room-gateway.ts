import { sourcePartitionOf, type FanOut } from '@livegift/fanout';
import { HistorySpelling, pause, type Clocks, type Position, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { OriginPolicy } from '@livegift/process';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import { RoomFeed, type JoinResult, type RoomBoard, type RoomFacts, type RoomSubscriber } from '@livegift/room-feed';
import type { ConsumerReport } from '@livegift/subscriptions';
import { FeedPump } from './feed-pump.js';
import { RoomFactsReader } from './room-facts.js';
import type { RoomGatewayConfig } from './room-gateway.config.js';

export interface RoomGatewayParts {
  readonly fanOut: FanOut;
  readonly readModel: ReadModel;
  /** Which pages may open WebSockets here. */
  readonly origins: OriginPolicy;
  /** Of the event store: the first half of every frame id. */
  readonly storeId: string;
  /**
   * Where the fan-out begins empty with the process: what must have happened before its messages count as history, such as
   * the publisher having caught up. The gateway lets nobody in before.
   */
  readonly startsAfter?: Promise<void>;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config: RoomGatewayConfig;
}

export interface RoomGatewayState {
  /** True while clients are let in: the feed has caught up, and nobody has asked to stop. */
  readonly ready: boolean;
  readonly connections: number;
  readonly rooms: number;
}

export interface EntryRequest {
  readonly roomId: string;
  readonly from: string | null;
  readonly after: Position | null;
}

export type EntryRefusal =
  | 'room-not-found'
  | 'room-closed'
  | 'read-model-behind'
  | 'read-model-rebuilding'
  | 'unavailable'
  | 'overloaded'
  | 'going-away';

/** A place kept for one client. Exactly one of `join` and `release` must follow. */
export interface Entry {
  join(subscriber: RoomSubscriber): JoinResult;
  release(): void;
}

/** Lets clients into rooms, over whatever protocol, and keeps the rooms fed. */
export class RoomGateway {
  readonly config: RoomGatewayConfig;
  /** How clients see positions. */
  readonly spelling: HistorySpelling;
  readonly #feed: RoomFeed;
  readonly #pump: FeedPump;
  readonly #facts: RoomFactsReader;
  readonly #joined = new Map<RoomSubscriber, string>();
  #entering = 0;
  #stopping = false;

  constructor(private readonly parts: RoomGatewayParts) {
    const { fanOut, readModel, storeId, clock, scheduler, telemetry, config } = parts;
    this.config = config;
    this.spelling = new HistorySpelling(storeId);
    this.#facts = new RoomFactsReader(readModel, clock, scheduler);
    this.#feed = new RoomFeed({
      epoch: storeId,
      sourcePartitionCount: fanOut.sourcePartitionCount,
      sourcePartitionOf: (roomId) => sourcePartitionOf(roomId, fanOut.sourcePartitionCount),
      askBoard: (roomId, position) => this.#facts.board(roomId, position),
      clock,
      scheduler,
      telemetry,
      config: config.feed,
    });
    const { backOffMs, backOffMsMax } = config;
    const pumping = { backMs: config.feed.windowMs, backOffMs, backOffMsMax };
    this.#pump = new FeedPump({ fanOut, feed: this.#feed, scheduler, telemetry, config: pumping });
  }

  start(): void {
    const { startsAfter } = this.parts;
    if (startsAfter === undefined) return this.#pump.start();
    void startsAfter.then(() => {
      if (!this.#stopping) this.#pump.start();
    });
  }

  /** Sends everybody away; they come back elsewhere. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const stopped = this.#pump.stop();
    // At once: a fan-out that hangs would keep them here until the process is cut off.
    this.#feed.close('going-away');
    this.#joined.clear();
    await stopped;
  }

  state(): RoomGatewayState {
    const ready = this.#pump.caughtUp && !this.#stopping;
    return { ready, connections: this.#joined.size, rooms: this.#feed.rooms };
  }

  /** Of the room feed, for its `ConsumerWatch`. */
  report(): ConsumerReport {
    return this.#pump.report();
  }

  /** Everything that has to be waited for before a client can be let in. */
  async enter(request: EntryRequest): Promise<Entry | { readonly refused: EntryRefusal }> {
    if (this.#stopping) return { refused: 'going-away' };
    if (this.#joined.size + this.#entering >= this.config.connectionsMax) {
      this.parts.telemetry.count('room_connections_refused_total');
      return { refused: 'overloaded' };
    }
    this.#entering += 1;
    try {
      const found = await this.#find(request);
      if ('refused' in found) {
        this.#entering -= 1;
        return found;
      }
      return this.#entry(request, found);
    } catch (error) {
      this.#entering -= 1;
      if (!(error instanceof ReadModelError)) throw error;
      return { refused: error.code === 'rebuilding' ? 'read-model-rebuilding' : 'unavailable' };
    }
  }

  leave(subscriber: RoomSubscriber): void {
    const roomId = this.#joined.get(subscriber);
    if (roomId === undefined) return;
    this.#joined.delete(subscriber);
    this.#feed.leave(subscriber, roomId);
    this.parts.telemetry.gauge('room_connections', this.#joined.size);
  }

  async #find(
    request: EntryRequest,
  ): Promise<{ readonly facts: RoomFacts; readonly board: RoomBoard } | { readonly refused: EntryRefusal }> {
    const { roomId, from, after } = request;
    if (!(await this.#caughtUp())) return { refused: 'unavailable' };
    if (after !== null && !(await this.#facts.waitFor(roomId, after, this.config.afterWaitMsMax))) {
      return { refused: 'read-model-behind' };
    }
    const facts = await this.#facts.find(roomId, this.#feed, after === null ? this.config.unknownRoomWaitMs : 0);
    if (facts === null) return { refused: 'room-not-found' };
    if (facts.closed) return { refused: 'room-closed' };
    if (from !== null && !(await this.#canResume(roomId, from))) return { refused: 'unavailable' };
    return { facts, board: await this.#facts.board(roomId, null) };
  }

  async #caughtUp(): Promise<boolean> {
    if (this.#pump.caughtUp) return true;
    await Promise.race([this.#pump.whenCaughtUp(), pause(this.parts.scheduler, this.config.feedWaitMs)]);
    return this.#pump.caughtUp;
  }

  /** False while this gateway lags behind what the client has seen elsewhere: nothing is lost, so it comes back. */
  async #canResume(roomId: string, from: string): Promise<boolean> {
    const hasReached = await this.#hasReached(roomId, from);
    // The window begins some minutes back. Of a room that was quiet since the client left, nothing is missing all the same.
    if (hasReached && this.#feed.reachesBack(roomId, from)) return true;
    const history = await this.#facts.history(roomId);
    if (history === null) return true;
    if (!hasReached && this.#feed.isBehind(roomId, from, history)) {
      this.parts.telemetry.count('room_resumes_put_off_total');
      return false;
    }
    if (hasReached) this.#feed.reachBack(roomId, history);
    return true;
  }

  /** The client may come from a gateway that was ahead of this one by a moment. */
  async #hasReached(roomId: string, from: string): Promise<boolean> {
    const { clock, scheduler } = this.parts;
    const untilMs = clock.elapsedMs() + this.config.aheadWaitMs;
    while (!this.#feed.hasReached(roomId, from)) {
      if (clock.elapsedMs() >= untilMs) return false;
      await pause(scheduler, 10);
    }
    return true;
  }

  #entry(request: EntryRequest, found: { readonly facts: RoomFacts; readonly board: RoomBoard }): Entry {
    const release = (): void => {
      this.#entering -= 1;
    };
    return {
      release,
      join: (subscriber) => {
        release();
        const joined = this.#feed.join(subscriber, { ...request, ...found });
        if (joined === 'joined') this.#joined.set(subscriber, request.roomId);
        else this.parts.telemetry.count('room_connections_refused_total');
        this.parts.telemetry.gauge('room_connections', this.#joined.size);
        return joined;
      },
    };
  }
}
