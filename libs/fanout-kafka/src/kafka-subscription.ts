import {
  FanOutError,
  type FanOutDelivery,
  type FanOutSubscription,
  type PartitionFloor,
  type RoomMessage,
} from '@livegift/fanout';
import type { Cancellable, Clock, Position, Telemetry } from '@livegift/kernel';
import type { KafkaMessage } from 'kafkajs';
import type { ProgressByPartition, ProgressReader } from './progress-reader.js';
import { roomRecordOf } from './room-record.js';
import { TopicReader, type TopicReaderParts } from './topic-reader.js';

export interface KafkaSubscriptionParts extends Pick<
  TopicReaderParts,
  'kafka' | 'withAdmin' | 'scheduler' | 'topic' | 'clientId'
> {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly progress: ProgressReader;
  readonly backMs: number;
  /** Called once, when it is closed. */
  onClose(subscription: KafkaSubscription): void;
}

/** Waiting for the subscriber; when there are more, nothing is fetched until it has taken them (one fetch may lie over). */
const WAITING_MESSAGES_MAX = 10_000;
const DELIVERY_MESSAGES_MAX = 2_000;
const FETCH_WAIT_MS = 500;
/**
 * The broker ends a transaction in one partition after the other: so long one half of it may be seen without the other.
 * Mostly it is a millisecond; more where one partition has just got another leader.
 */
const HALF_SEEN_MS_MAX = 5_000;

interface Place {
  /** What lies before it was there at the subscription. */
  readonly end: number;
  readonly start: number;
  /** The newest message, or where the partition begins. Null: neither is known yet. */
  newest: Position | null;
  /** Everything before this offset was fetched. */
  next: number;
  isCaughtUp: boolean;
  /** Will wait no longer for messages that the checkpoint names. */
  late: Cancellable | null;
}

/** Told between two messages: what lies between them and `floor` was published, and is not there any more. */
interface Gap {
  /** So many messages are delivered first. */
  readonly after: number;
  readonly floor: PartitionFloor;
}

/**
 * Every room's messages, from the offset by timestamp on. Where a source partition is complete from is told by its first
 * message (which names the one before it), or, when there is none, by the checkpoint topic. A later message that names one
 * that never came (a broker has lost its end, a checkpoint was lost) begins the partition anew.
 *
 * A transaction's messages and its checkpoint are not seen in the same moment; either may be first. There is at most one
 * such transaction in a source partition, since the next one cannot begin before.
 * - The checkpoint first: it names a message that is still to come. Taken for lost, it would end every client of the
 *   partition with a gap, and whoever reads would drop it as a repeat when it comes; so it is waited for.
 * - The messages first: the checkpoint is older than they are. Where they were read that is nothing; they say it better.
 *   Had reading begun after them, the partition would be called complete from before them on. So it never begins later
 *   than what may be half seen.
 * Whoever reads on, after a rebalance too, goes by the messages alone.
 */
export class KafkaSubscription implements FanOutSubscription {
  #messages: RoomMessage[] = [];
  #floors: PartitionFloor[] = [];
  #gaps: Gap[] = [];
  #head = 0;
  #taken = 0;
  /** Once so many have been taken, the subscriber has caught up. */
  #caughtUpAt = Infinity;
  #isFirst = true;
  #toldCaughtUp = false;
  #failure: FanOutError | null = null;
  #closed = false;
  #wake = (): void => {};
  #drained = (): void => {};
  #reader: TopicReader | null = null;

  private constructor(
    private readonly parts: KafkaSubscriptionParts,
    private readonly places: readonly Place[],
    private readonly progress: ProgressByPartition,
    /** What was published since then is read, as far as it is kept. */
    private readonly sinceMs: number,
  ) {}

  static async open(parts: KafkaSubscriptionParts): Promise<KafkaSubscription> {
    const { withAdmin, topic, clock, backMs, progress } = parts;
    const sinceMs = clock.now() - Math.max(backMs, HALF_SEEN_MS_MAX);
    const first = await withAdmin(async (admin) => ({
      // Of committed messages: what is open now may still be committed, and belongs to us then.
      ends: await admin.fetchTopicOffsets(topic),
      byTime: await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs),
    }));
    const published = await progress.read();
    const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
    const places: Place[] = [];
    for (const { partition, offset } of ends) {
      const of = (offsets: readonly { readonly partition: number; readonly offset: string }[]): number =>
        Number(offsets.find((entry) => entry.partition === partition)?.offset ?? offset);
      // From the end as it was before the checkpoints were read: so a partition without messages up to its end after
      // that is complete from its checkpoint on.
      const start = Math.min(of(first.byTime), of(first.ends));
      places[partition] = { start, end: Number(offset), next: start, newest: null, isCaughtUp: false, late: null };
    }
    const subscription = new KafkaSubscription(parts, places, published, sinceMs);
    await subscription.#open();
    return subscription;
  }

  async next(): Promise<FanOutDelivery | null> {
    for (;;) {
      if (this.#closed) return null;
      if (this.#failure !== null) throw this.#failure;
      const delivery = this.#take();
      if (delivery !== null) return delivery;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Offsets of all partitions; what was fetched and not taken yet does not count. */
  reached(): number {
    const fetched = this.places.reduce((sum, { next }) => sum + next, 0);
    return fetched - (this.#messages.length - this.#head);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { late } of this.places) late?.cancel();
    this.#messages = [];
    this.#gaps = [];
    this.#wake();
    this.#drained();
    await this.#reader?.close();
    this.parts.onClose(this);
  }

  async #open(): Promise<void> {
    this.#reader = await TopicReader.open({
      ...this.parts,
      starts: this.places.map(({ start }) => start),
      isCompacted: false,
      fetchWaitMs: FETCH_WAIT_MS,
      onRecords: (partition, records) => this.#add(partition, records),
      onProgress: (partition, next) => this.#reached(partition, next),
      onFailure: (error) => {
        this.#failure ??= error;
        this.#wake();
        this.#drained();
      },
    });
    for (const [partition, { start }] of this.places.entries()) this.#reached(partition, start);
  }

  #take(): FanOutDelivery | null {
    const hasNews = this.#messages.length > this.#head || this.#floors.length + this.#gaps.length > 0;
    if (!hasNews && !this.#isFirst && this.#isCaughtUp === this.#toldCaughtUp) return null;
    const floors = this.#takeFloors();
    const untilGap = (this.#gaps[0]?.after ?? Infinity) - this.#taken;
    const messages = this.#messages.slice(this.#head, this.#head + Math.min(DELIVERY_MESSAGES_MAX, untilGap));
    this.#head += messages.length;
    this.#taken += messages.length;
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    }
    if (this.#messages.length - this.#head < WAITING_MESSAGES_MAX) this.#drained();
    this.#isFirst = false;
    this.#toldCaughtUp = this.#isCaughtUp;
    return { messages, floors, caughtUp: this.#toldCaughtUp };
  }

  /** Those that stand before the next message. */
  #takeFloors(): readonly PartitionFloor[] {
    const floors = this.#floors;
    this.#floors = [];
    while (this.#gaps[0]?.after === this.#taken) floors.push(this.#gaps.shift()!.floor);
    return floors;
  }

  get #isCaughtUp(): boolean {
    return this.#taken >= this.#caughtUpAt && (this.#gaps[0]?.after ?? Infinity) > this.#caughtUpAt;
  }

  #add(partition: number, records: readonly KafkaMessage[]): Promise<void> | void {
    for (const record of records) {
      const made = roomRecordOf(record);
      if (made === null) {
        this.parts.telemetry.count('fanout_foreign_records_total');
        continue;
      }
      const { message, previous } = made;
      const place = this.places[partition]!;
      this.#tellFloor(partition, previous ?? place.newest ?? message.position);
      this.#messages.push(message);
      if (message.position > place.newest!) place.newest = message.position;
    }
    this.#wake();
    if (this.#messages.length - this.#head < WAITING_MESSAGES_MAX) return;
    this.parts.telemetry.count('fanout_subscription_waits_total');
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Everything before `next` has been added. */
  #reached(partition: number, next: number): void {
    const place = this.places[partition]!;
    place.next = next;
    if (place.isCaughtUp || next < place.end) return;
    if (!this.#isHalfSeen(partition)) return this.#catchUp(partition);
    // Counted from what came last, since many come in several parts. When none comes they are lost: `#catchUp` tells it.
    place.late?.cancel();
    place.late = this.parts.scheduler.after(HALF_SEEN_MS_MAX, () => this.#catchUp(partition));
  }

  /** The checkpoint names a message that must be among those read if it is there, and has not come. */
  #isHalfSeen(partition: number): boolean {
    const { newest, newestAtMs } = this.progress.get(partition) ?? { newest: null, newestAtMs: null };
    const seen = this.places[partition]!.newest;
    if (newest === null || (seen !== null && seen >= newest)) return false;
    return seen !== null || (newestAtMs !== null && newestAtMs >= this.sinceMs);
  }

  #catchUp(partition: number): void {
    const place = this.places[partition]!;
    place.late?.cancel();
    place.isCaughtUp = true;
    const newest = this.progress.get(partition)?.newest ?? null;
    if (newest !== null) this.#tellFloor(partition, newest);
    if (!this.places.every(({ isCaughtUp }) => isCaughtUp)) return;
    this.#caughtUpAt = this.#taken + this.#messages.length - this.#head;
    this.#wake();
  }

  /** Where the partition begins; and again where what comes next follows on messages that never came. */
  #tellFloor(sourcePartition: number, position: Position): void {
    const place = this.places[sourcePartition]!;
    const isFirst = place.newest === null;
    if (!isFirst && position <= place.newest!) return;
    place.newest = position;
    const floor = { sourcePartition, position };
    if (isFirst) return void this.#floors.push(floor);
    this.parts.telemetry.count('fanout_gaps_total');
    this.#gaps.push({ after: this.#taken + this.#messages.length - this.#head, floor });
  }
}
