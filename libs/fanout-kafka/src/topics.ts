import { FanOutError } from '@livegift/fanout';
import type { Admin, ITopicConfig } from 'kafkajs';

export interface TopicNames {
  readonly rooms: string;
  readonly checkpoints: string;
}

/** In-sync replicas that a write waits for, where there are replicas to lose. */
const MIN_IN_SYNC = 2;
const REPLICAS_FOR_MIN_IN_SYNC = 3;
/** The topic is read as a whole when a publisher opens: let it be compacted early. */
const CHECKPOINT_SEGMENT_BYTES = 1024 * 1024 * 4;
const CHECKPOINT_SEGMENT_MS = 600_000;

/**
 * Makes what is missing, and answers the number of partitions, which both topics must have: a source partition's
 * messages and its checkpoint stand in the partition of the same number, so that no publisher waits for another's
 * transaction.
 * @throws FanOutError `misconfigured`, and whatever kafkajs throws
 */
export async function ensureTopics(
  admin: Admin,
  names: TopicNames,
  wanted: { readonly partitions: number; readonly replicationFactor: number },
): Promise<number> {
  const { rooms, checkpoints } = names;
  const there = await admin.listTopics();
  const missingRooms = !there.includes(rooms);
  if (missingRooms) await create(admin, rooms, wanted.partitions, wanted.replicationFactor, {});
  const partitions = await partitionsOf(admin, rooms);
  if (!there.includes(checkpoints)) {
    await create(admin, checkpoints, partitions, wanted.replicationFactor, {
      'cleanup.policy': 'compact',
      'segment.bytes': String(CHECKPOINT_SEGMENT_BYTES),
      'segment.ms': String(CHECKPOINT_SEGMENT_MS),
      'min.cleanable.dirty.ratio': '0.1',
    });
  }
  const ofCheckpoints = await partitionsOf(admin, checkpoints);
  if (ofCheckpoints === partitions) return partitions;
  throw new FanOutError(
    'misconfigured',
    `topic ${rooms} has ${partitions} partitions and ${checkpoints} has ${ofCheckpoints}: they must have the same ` +
      'number. Partitions are chosen once, since more of them would break the order per room',
  );
}

async function create(
  admin: Admin,
  topic: string,
  numPartitions: number,
  replicationFactor: number,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = { ...config, ...(replicationFactor >= REPLICAS_FOR_MIN_IN_SYNC ? MIN_IN_SYNC_CONFIG : {}) };
  const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }));
  const made: ITopicConfig = { topic, numPartitions, replicationFactor, configEntries };
  try {
    // False: another process made it in the meantime.
    await admin.createTopics({ topics: [made], waitForLeaders: true });
  } catch (error) {
    // Made a moment ago by another process, whose topic has no leader yet.
    if (!(await admin.listTopics()).includes(topic)) throw error;
  }
}

const MIN_IN_SYNC_CONFIG = { 'min.insync.replicas': String(MIN_IN_SYNC) };

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]!.partitions.length;
}
