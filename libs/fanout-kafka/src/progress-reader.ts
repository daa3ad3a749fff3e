import { FanOutError } from '@livegift/fanout';
import { TopicReader, type TopicReaderParts } from './topic-reader.js';
import { partitionCountOf, progressOf, type Progress } from './progress-record.js';

/** Of each source partition that anything was ever published to. */
export type ProgressByPartition = ReadonlyMap<number, Progress>;

/** The last record of a partition is nearly always among so many of its newest offsets. */
const TAIL_OFFSETS = 200;
const FETCH_WAIT_MS = 100;
const READ_MS_MAX = 60_000;

export type ProgressReaderParts = Pick<TopicReaderParts, 'kafka' | 'withAdmin' | 'scheduler' | 'topic' | 'clientId'>;

/** Reads how far every source partition was published. Callers that come together share one reading. */
export class ProgressReader {
  #running: Promise<unknown> = Promise.resolve();
  #following: Promise<ProgressByPartition> | null = null;

  constructor(private readonly parts: ProgressReaderParts) {}

  /**
   * Sees everything that was committed before the call.
   * @throws FanOutError also `misconfigured`: the topic has got other partitions since; whatever kafkajs throws
   */
  read(): Promise<ProgressByPartition> {
    // One that is under way may have looked for the end before this caller had fenced its predecessor.
    this.#following ??= this.#running.then(() => {
      this.#following = null;
      const reading = this.#readNow();
      this.#running = reading.catch(() => {});
      return reading;
    });
    return this.#following;
  }

  async #readNow(): Promise<ProgressByPartition> {
    const { withAdmin, topic } = this.parts;
    // Of committed records: a transaction that is still open elsewhere is not waited for.
    const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
    const lows: number[] = [];
    const ends: number[] = [];
    for (const { partition, low, offset } of offsets) {
      lows[partition] = Number(low);
      ends[partition] = Number(offset);
    }
    const tails = ends.map((end, partition) => Math.max(lows[partition]!, end - TAIL_OFFSETS));
    const found = await this.#readRange(tails, ends);
    const isUnread = (partition: number): boolean => !found.has(partition) && tails[partition]! > lows[partition]!;
    if (!ends.some((_, partition) => isUnread(partition))) return found;
    const starts = ends.map((end, partition) => (isUnread(partition) ? lows[partition]! : end));
    return new Map([...found, ...(await this.#readRange(starts, ends))]);
  }

  async #readRange(starts: readonly number[], ends: readonly number[]): Promise<Map<number, Progress>> {
    const found = new Map<number, Progress>();
    const unread = new Set([...ends.keys()].filter((partition) => starts[partition]! < ends[partition]!));
    if (unread.size === 0) return found;
    let finish!: (error: FanOutError | Error | null) => void;
    const finished = new Promise<void>((resolve, reject) => {
      finish = (error) => (error === null ? resolve() : reject(error));
    });
    finished.catch(() => {});
    const opening = TopicReader.open({
      ...this.parts,
      starts,
      isCompacted: true,
      fetchWaitMs: FETCH_WAIT_MS,
      onRecords: (partition, records) => {
        for (const record of records) {
          if (Number(record.offset) >= ends[partition]!) continue;
          const count = partitionCountOf(record) ?? ends.length;
          if (count !== ends.length) return finish(repartitioned(this.parts.topic, count, ends.length));
          found.set(partition, progressOf(record));
        }
      },
      onProgress: (partition, next) => {
        if (next >= ends[partition]!) unread.delete(partition);
        if (unread.size === 0) finish(null);
      },
      onFailure: finish,
    });
    const late = this.parts.scheduler.after(READ_MS_MAX, () => finish(new Error(`took over ${READ_MS_MAX} ms`)));
    try {
      const reader = await opening;
      try {
        await finished;
      } finally {
        await reader.close();
      }
    } finally {
      late.cancel();
    }
    return found;
  }
}

/** Rooms would be looked for, and written, where they were not before: out of order, with holes that nobody sees. */
function repartitioned(topic: string, before: number, now: number): FanOutError {
  return new FanOutError(
    'misconfigured',
    `topic ${topic} had ${before} partitions when it was written, and has ${now}: partitions are chosen once. To begin ` +
      'anew with others, stop publishers and gateways and delete both topics',
  );
}
