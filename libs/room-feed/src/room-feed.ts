import { LOG_START, type Cancellable, type Position } from '@livegift/kernel';
import { FrameBatch, frameOf, type FeedFrame } from './feed-frame.js';
import { frameIdOf, parseFrameId } from './frame-id.js';
import { FrameWriter } from './frame-writer.js';
import { LiveRoom } from './live-room.js';
import type {
  EndReason,
  FeedDelivery,
  FeedMessage,
  JoinRequest,
  RoomFacts,
  RoomFeedParts,
  RoomHistory,
  RoomSubscriber,
} from './room-feed.types.js';

/** What is known of one source partition of the fan-out. */
interface Partition {
  /** A room without a state of its own has lost nothing after this. Null: nothing was ever published. */
  floor: Position | null;
  /** The newest message seen; what is not newer is a repeat. */
  seen: Position | null;
}

export type JoinResult = 'joined' | 'room-closed' | 'full';

interface Resume {
  readonly complete: boolean;
  readonly missed: FrameBatch;
}

/** How often old frames are looked for. */
const SWEEP_MS = 30_000;
const NOTHING = new FrameBatch([]);

/** All rooms of one gateway: takes the fan-out's deliveries in, and gives every connection its frames. */
export class RoomFeed {
  /** The room that was quiet longest in front. */
  readonly #rooms = new Map<string, LiveRoom>();
  readonly #partitions: readonly Partition[];
  readonly #resumes = new Map<
    string,
    { readonly from: Position; readonly newest: Position; readonly batch: FrameBatch }
  >();
  readonly #writer: FrameWriter;
  #sweep: Cancellable | null = null;
  #replaying = true;
  #bytes = 0;

  constructor(private readonly parts: RoomFeedParts) {
    this.#writer = new FrameWriter(parts);
    this.#partitions = Array.from({ length: parts.sourcePartitionCount }, () => ({ floor: null, seen: null }));
  }

  get rooms(): number {
    return this.#rooms.size;
  }

  /** A new subscription begins: what comes until it has caught up is from before. */
  replay(): void {
    this.#replaying = true;
  }

  accept(delivery: FeedDelivery): void {
    for (const { sourcePartition, position } of delivery.floors) this.#beginAt(sourcePartition, position);
    for (const message of delivery.messages) this.#acceptMessage(message);
    if (delivery.caughtUp) this.#replaying = false;
    this.#keepWithinBounds();
    this.#armSweep();
  }

  /** What the feed itself knows of a room; null when it has not seen it open. */
  room(roomId: string): (RoomFacts & { readonly closed: boolean }) | null {
    const room = this.#rooms.get(roomId);
    if (room === undefined || (room.facts === null && !room.closed)) return null;
    return { creatorId: room.facts?.creatorId ?? '', title: room.facts?.title ?? null, closed: room.closed };
  }

  /** False when the frame to resume from lies ahead of what has arrived here: another gateway was quicker. */
  hasReached(roomId: string, from: string): boolean {
    const place = parseFrameId(from);
    if (place === null || place.epoch !== this.parts.epoch || place.position === LOG_START) return true;
    const { seen } = this.#partitionOf(roomId);
    if (seen === null || seen === LOG_START) return false;
    return seen.length !== place.position.length || place.position <= seen;
  }

  /**
   * True when this feed lags: the frame lies ahead of what has arrived, and the room has had a gift since (as somebody else
   * knows), so that what comes between is still on its way here. Of a feed that nothing ever came to nothing can be said.
   */
  isBehind(roomId: string, from: string, { lastGift }: RoomHistory): boolean {
    if (lastGift === null || this.#partitionOf(roomId).seen === null || this.hasReached(roomId, from)) return false;
    return parseFrameId(from)!.position <= lastGift;
  }

  /** True when everything after that frame is here, or when no question to anybody could make it so. */
  reachesBack(roomId: string, from: string): boolean {
    const place = parseFrameId(from);
    if (place === null || place.epoch !== this.parts.epoch) return true;
    const floor = this.#rooms.get(roomId)?.window.floor ?? this.#partitionOf(roomId).floor ?? LOG_START;
    return place.position >= floor;
  }

  /** What somebody else knows of a room: its last gift (null: none), as far as they have looked. */
  reachBack(roomId: string, { lastGift, through }: RoomHistory): void {
    this.#ensure(roomId).window.reachBack(lastGift ?? LOG_START, through);
  }

  /**
   * Writes the welcome, and what was missed, and goes on from there without a gap or a repeat: it all happens in this
   * call. `missed` is at most a room's window.
   */
  join(subscriber: RoomSubscriber, request: JoinRequest): JoinResult {
    this.#keepWithinBounds();
    const room = this.#ensure(request.roomId);
    if (room.closed) return 'room-closed';
    if (room.connections >= this.parts.config.roomConnectionsMax) return 'full';
    // What has gathered for this tick belongs to those who were here before.
    room.flush();
    const resume = request.from === null ? null : this.#resume(room, request.from);
    const frames = [this.#welcome(room, request, resume)];
    if (resume !== null) frames.push(frameOf({ type: 'recovered', complete: resume.complete }));
    subscriber.write(new FrameBatch(frames));
    if (resume !== null && resume.missed.frames.length > 0) subscriber.write(resume.missed);
    room.add(subscriber);
    if (room.window.length > 0) room.board.want(room.window.newest);
    return 'joined';
  }

  leave(subscriber: RoomSubscriber, roomId: string): void {
    this.#rooms.get(roomId)?.remove(subscriber);
  }

  /** Ends every connection, and everything that would wake later. */
  close(reason: EndReason): void {
    this.#writer.stop();
    this.#sweep?.cancel();
    for (const room of this.#rooms.values()) {
      room.endAll(reason);
      room.dispose();
    }
    this.#rooms.clear();
  }

  #acceptMessage(message: FeedMessage): void {
    if (message.storeId !== this.parts.epoch) return this.parts.telemetry.count('room_feed_foreign_messages_total');
    const partition = this.#partitionOf(message.roomId);
    if (partition.seen !== null && message.position <= partition.seen) {
      return this.parts.telemetry.count('room_feed_repeated_messages_total');
    }
    partition.floor ??= message.position;
    partition.seen = message.position;
    const room = this.#ensure(message.roomId);
    // Moves it to the end: it is the one that moved last.
    this.#rooms.delete(message.roomId);
    this.#rooms.set(message.roomId, room);
    const before = room.window.bytes;
    try {
      room.accept(message, this.#replaying);
    } catch (error) {
      // One that cannot be read would be as unreadable the next time: the others must not wait for it.
      this.parts.telemetry.count('room_feed_unreadable_messages_total');
      this.parts.telemetry.error('a room message cannot be read', { position: message.position, error: String(error) });
    }
    this.#bytes += room.window.bytes - before;
  }

  /** The subscription is complete after `position`; when that is later than what was seen, something was lost. */
  #beginAt(sourcePartition: number, position: Position): void {
    const partition = this.#partitions[sourcePartition];
    if (partition === undefined || (partition.seen !== null && position <= partition.seen)) return;
    const lost = partition.seen !== null;
    if (lost) {
      this.parts.telemetry.count('room_feed_gaps_total');
      this.parts.telemetry.warn('the feed lost messages', { sourcePartition });
    }
    partition.floor = position;
    partition.seen = position;
    for (const room of this.#rooms.values()) {
      if (room.sourcePartition !== sourcePartition) continue;
      this.#forgetFrames(room, position);
      if (lost) room.endAll('gap');
    }
  }

  #ensure(roomId: string): LiveRoom {
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    const index = this.parts.sourcePartitionOf(roomId);
    const floor = this.#partitions[index]!.floor ?? LOG_START;
    const room = new LiveRoom(roomId, index, floor, this.parts, (pending) => this.#writer.pend(pending));
    this.#rooms.set(roomId, room);
    return room;
  }

  #partitionOf(roomId: string): Partition {
    return this.#partitions[this.parts.sourcePartitionOf(roomId)]!;
  }

  #welcome(room: LiveRoom, request: JoinRequest, resume: Resume | null): FeedFrame {
    const { epoch, config } = this.parts;
    const frameId = resume?.complete ? request.from! : frameIdOf(epoch, room.window.newest);
    const { creatorId, title } = room.facts ?? request.facts;
    const { entries: leaderboard } = room.board.bring(request.board);
    const { keepAliveMs, streakWindowMs } = config;
    const { roomId } = room;
    return frameOf({ type: 'welcome', roomId, creatorId, title, frameId, leaderboard, keepAliveMs, streakWindowMs });
  }

  #resume(room: LiveRoom, from: string): Resume {
    const place = parseFrameId(from);
    const { window } = room;
    const isKnown =
      place !== null && place.epoch === this.parts.epoch && this.#isOfThisStore(room.roomId, place.position);
    if (!isKnown) return this.#incomplete('room_resumes_foreign_total');
    if (!window.reachesBackTo(place.position)) return this.#incomplete('room_resumes_too_old_total');
    if (!this.hasReached(room.roomId, from)) return this.#incomplete('room_resumes_ahead_total');
    // After a restart a thousand clients resume from one frame: what they missed is put together once.
    const shared = this.#resumes.get(room.roomId);
    if (shared?.from === place.position && shared.newest === window.newest) {
      return { complete: true, missed: shared.batch };
    }
    const batch = room.missedSince(place.position);
    this.#resumes.clear();
    this.#resumes.set(room.roomId, { from: place.position, newest: window.newest, batch });
    return { complete: true, missed: batch };
  }

  #incomplete(metric: string): Resume {
    this.parts.telemetry.count(metric);
    return { complete: false, missed: NOTHING };
  }

  /** Positions of one store have one width; the very first place is the exception. */
  #isOfThisStore(roomId: string, position: Position): boolean {
    return position === LOG_START || this.#partitionOf(roomId).seen?.length === position.length;
  }

  #keepWithinBounds(): void {
    const { windowBytesMax, roomsMax } = this.parts.config;
    if (this.#bytes <= windowBytesMax && this.#rooms.size <= roomsMax) return;
    for (const room of this.#rooms.values()) {
      if (this.#bytes <= windowBytesMax && this.#rooms.size <= roomsMax) return;
      if (room.connections === 0) this.#drop(room);
      else this.#forgetFrames(room, room.window.newest);
      this.parts.telemetry.count('room_windows_given_up_total');
    }
  }

  #drop(room: LiveRoom): void {
    const partition = this.#partitions[room.sourcePartition]!;
    const { newest } = room.window;
    if (partition.floor === null || newest > partition.floor) partition.floor = newest;
    this.#bytes -= room.window.bytes;
    room.dispose();
    this.#rooms.delete(room.roomId);
    this.#resumes.delete(room.roomId);
  }

  #forgetFrames(room: LiveRoom, floor: Position): void {
    this.#bytes -= room.window.bytes;
    room.window.restartAt(floor);
    this.#resumes.delete(room.roomId);
  }

  #armSweep(): void {
    if (this.#sweep !== null || this.#rooms.size === 0) return;
    this.#sweep = this.parts.scheduler.after(SWEEP_MS, () => {
      this.#sweep = null;
      this.#sweepNow();
      this.#armSweep();
    });
  }

  #sweepNow(): void {
    const { clock, config, telemetry } = this.parts;
    for (const room of this.#rooms.values()) {
      const before = room.window.bytes;
      room.window.dropBefore(clock.elapsedMs() - config.windowMs);
      this.#bytes += room.window.bytes - before;
    }
    telemetry.gauge('room_feed_rooms', this.#rooms.size);
    telemetry.gauge('room_feed_window_bytes', this.#bytes);
  }
}
