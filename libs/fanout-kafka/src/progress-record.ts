import { isPosition, type Checkpoint, type Position } from '@livegift/kernel';
import type { KafkaMessage, Message } from 'kafkajs';

/** What the checkpoint topic says of one source partition. */
export interface Progress {
  readonly checkpoint: Checkpoint;
  /** Of the newest message; of a partition without messages, where it begins. Null: nobody said. */
  readonly newest: Position | null;
  /** When `newest` was published, as its record says. Null: there is no such message, or it was not said. */
  readonly newestAtMs: number | null;
}

/** Of how many partitions the record's own is one: rooms are spread over so many. */
const PARTITIONS_HEADER = 'partitions';

/** Keyed by the source partition, so that compaction keeps the last of each. */
export function progressMessage(
  sourcePartition: number,
  { checkpoint, newest, newestAtMs }: Progress,
  partitionCount: number,
): Message {
  const { storeId, position } = checkpoint;
  const value = JSON.stringify({ storeId, position, newest, newestAtMs });
  const headers = { [PARTITIONS_HEADER]: String(partitionCount) };
  return { key: String(sourcePartition), value, headers, partition: sourcePartition };
}

/** Null: one that does not say so. */
export function partitionCountOf({ headers }: KafkaMessage): number | null {
  const count = headers?.[PARTITIONS_HEADER];
  return count === undefined ? null : Number(String(count));
}

/** @throws Error when it is not one of ours: going on without the checkpoint would publish everything again */
export function progressOf({ value, offset }: KafkaMessage): Progress {
  try {
    const { storeId, position, newest, newestAtMs } = JSON.parse(value?.toString() ?? '') as Record<string, unknown>;
    if (typeof storeId === 'string' && isPosition(position) && (newest === null || isPosition(newest))) {
      const knownAtMs = typeof newestAtMs === 'number' ? newestAtMs : null;
      return { checkpoint: { storeId, position }, newest, newestAtMs: knownAtMs };
    }
  } catch {
    // Falls through to the one message.
  }
  throw new Error(`the checkpoint record at offset ${offset} cannot be read`);
}
