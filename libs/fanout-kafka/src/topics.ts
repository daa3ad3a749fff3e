import { FanOutError } from '@livegift/fanout';
import { pause, type Scheduler } from '@livegift/kernel';
import type { Admin, PartitionMetadata } from 'kafkajs';
import { isRetriable } from './kafka-errors.js';

export interface TopicNames {
  readonly rooms: string;
  readonly checkpoints: string;
}

export interface Topics {
  /** Of each of the two. */
  readonly partitions: number;
  /** Every replica of both is on one and the same broker, so no leader can be on another, unless somebody moves them. */
  readonly areOnOneBroker: boolean;
}

/** In-sync replicas that a write waits for, where there are replicas to lose. */
const MIN_IN_SYNC = 2;
const REPLICAS_FOR_MIN_IN_SYNC = 3;
/** The topic is read as a whole when a publisher opens: let it be compacted early. */
const CHECKPOINT_SEGMENT_BYTES = 1024 * 1024 * 4;
const CHECKPOINT_SEGMENT_MS = 600_000;
const LOOKS_MAX = 100;
const LOOK_EVERY_MS = 100;

/**
 * Makes what is missing, and answers what is there. Both topics must have the same number of partitions: a source
 * partition's messages and its checkpoint stand in the partition of the same number, so that no publisher waits for
 * another's transaction.
 * @throws FanOutError `misconfigured`, and whatever kafkajs throws
 */
export async function ensureTopics(
  admin: Admin,
  names: TopicNames,
  wanted: { readonly partitions: number; readonly replicationFactor: number },
  scheduler: Scheduler,
): Promise<Topics> {
  const { rooms, checkpoints } = names;
  const there = await admin.listTopics();
  if (!there.includes(rooms)) await create(admin, rooms, wanted.partitions, wanted.replicationFactor, {});
  const ofRooms = await partitionsOf(admin, rooms, scheduler);
  const partitions = ofRooms.length;
  if (!there.includes(checkpoints)) {
    await create(admin, checkpoints, partitions, wanted.replicationFactor, {
      'cleanup.policy': 'compact',
      'segment.bytes': String(CHECKPOINT_SEGMENT_BYTES),
      'segment.ms': String(CHECKPOINT_SEGMENT_MS),
      'min.cleanable.dirty.ratio': '0.1',
    });
  }
  const ofCheckpoints = await partitionsOf(admin, checkpoints, scheduler);
  await assertPolicies(admin, names, there);
  const brokers = new Set([...ofRooms, ...ofCheckpoints].flatMap(({ replicas }) => replicas));
  if (ofCheckpoints.length === partitions) return { partitions, areOnOneBroker: brokers.size === 1 };
  throw new FanOutError(
    'misconfigured',
    `topic ${rooms} has ${partitions} partitions and ${checkpoints} has ${ofCheckpoints.length}: they must have the same ` +
      'number. Partitions are chosen once, since more of them would break the order per room',
  );
}

/**
 * Of topics that somebody else has made: compaction would leave a room its newest gift only, and deletion would take a
 * checkpoint away from a publisher that stood still, which would then begin anew, with a hole behind it.
 */
async function assertPolicies(
  admin: Admin,
  { rooms, checkpoints }: TopicNames,
  there: readonly string[],
): Promise<void> {
  const asked = [rooms, checkpoints].filter((topic) => there.includes(topic));
  if (asked.length === 0) return;
  const policies = await policiesOf(admin, asked);
  if (policies.get(rooms)?.includes('compact')) {
    throw new FanOutError('misconfigured', `topic ${rooms} must have cleanup.policy=delete: it is keyed by room`);
  }
  if (policies.get(checkpoints)?.includes('delete')) {
    throw new FanOutError(
      'misconfigured',
      `topic ${checkpoints} must have cleanup.policy=compact: it must forget nothing`,
    );
  }
}

/** As Kafka's protocol numbers it; Node finds no name of that enumeration in kafkajs. */
const TOPIC_RESOURCE = 2;

/** None where the broker lets nobody look. */
async function policiesOf(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const asked = topics.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: ['cleanup.policy'] }));
  try {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: asked });
    return new Map(resources.map((topic) => [topic.resourceName, topic.configEntries[0]?.configValue ?? '']));
  } catch (error) {
    if ((error as { type?: unknown }).type === 'TOPIC_AUTHORIZATION_FAILED') return new Map();
    throw error;
  }
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
  // False when another process made it in the meantime. Its leaders are waited for below, where that may take its time.
  await admin.createTopics({
    topics: [{ topic, numPartitions, replicationFactor, configEntries }],
    waitForLeaders: false,
  });
}

const MIN_IN_SYNC_CONFIG = { 'min.insync.replicas': String(MIN_IN_SYNC) };

/** A topic that was made a moment ago is not known to every broker yet, or has partitions without a leader. */
async function partitionsOf(admin: Admin, topic: string, scheduler: Scheduler): Promise<readonly PartitionMetadata[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const { partitions } = topics[0]!;
      if (partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) {
        // That they are named is one thing; that they know it and answer is another.
        await admin.fetchTopicOffsets(topic);
        return partitions;
      }
    } catch (error) {
      if (!isRetriable(error) || attempt >= LOOKS_MAX) throw error;
    }
    if (attempt >= LOOKS_MAX) throw new FanOutError('unavailable', `topic ${topic} has partitions without a leader`);
    await pause(scheduler, LOOK_EVERY_MS);
  }
}
