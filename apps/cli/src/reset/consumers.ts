import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AppEnvironments } from '@livegift/config';
import { ancestryOf, type EventReader, type EventStore } from '@livegift/event-store';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { LOG_START, silentTelemetry } from '@livegift/kernel';
import { systemClock, systemScheduler } from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { SNAPSHOT_FILE } from '@livegift/read-model-memory';
import { openRedisReadModel } from '@livegift/read-model-redis';
import type { ConsumerName } from './consumer-names.js';

/** What a reset needs of the environment of the app that runs the consumer. */
type ClusterEnvironment = Pick<
  AppEnvironments['publisher'],
  'redisUrl' | 'kafkaBrokers' | 'kafkaTls' | 'kafkaLogin' | 'kafkaTopicPartitions' | 'kafkaReplicationFactor'
> &
  Pick<AppEnvironments['projector'], 'boardUtcOffset' | 'boardRetentionMs'>;

export interface ConsumerReset {
  /** @returns what was done */
  embedded(store: EventStore, dataDir: string): Promise<string>;
  cluster(store: EventStore, environment: ClusterEnvironment): Promise<string>;
}

const outside = { clock: systemClock, scheduler: systemScheduler, telemetry: silentTelemetry };

/** Each consumer is idempotent: after a reset it does its work again and nothing twice. */
export const RESETS: Readonly<Record<ConsumerName, ConsumerReset>> = {
  settlement: {
    embedded: (store) => forget(store, 'settlement'),
    cluster: (store) => forget(store, 'settlement'),
  },
  finisher: {
    embedded: (store) => forget(store, 'finisher'),
    cluster: (store) => forget(store, 'finisher'),
  },
  projector: {
    embedded: async (_store, dataDir) => {
      rmSync(join(dataDir, SNAPSHOT_FILE), { force: true });
      return 'the snapshot of the read model is removed; the next start builds it from the log';
    },
    cluster: (_store, environment) => dropReadModel(environment),
  },
  publisher: {
    embedded: async () => 'the publisher of the embedded profile keeps no checkpoint; there is nothing to reset',
    cluster: (store, environment) => rewindPublisher(store, environment),
  },
};

async function forget(store: EventStore, consumer: string): Promise<string> {
  const before = await store.loadCheckpoint(consumer);
  await store.saveCheckpoint(consumer, null);
  return before === null ? 'it had no checkpoint' : `its checkpoint at ${before.position} is forgotten`;
}

async function dropReadModel({ redisUrl, boardUtcOffset, boardRetentionMs }: ClusterEnvironment): Promise<string> {
  const readModel = await openRedisReadModel({
    ...outside,
    url: redisUrl,
    foldVersion: PROJECTIONS_VERSION,
    utcOffset: boardUtcOffset,
    retentionMs: boardRetentionMs,
  });
  try {
    for (let partition = 0; partition < readModel.partitionCount; partition++) await readModel.drop(partition);
    return `${readModel.partitionCount} partitions of the read model are dropped`;
  } finally {
    await readModel.close();
  }
}

async function rewindPublisher(events: EventReader, environment: ClusterEnvironment): Promise<string> {
  const position = (await ancestryOf(events))?.beganAt ?? LOG_START;
  const fanOut = await openKafkaFanOut({
    ...outside,
    brokers: environment.kafkaBrokers,
    tls: environment.kafkaTls,
    login: environment.kafkaLogin,
    clientId: 'livegift-reset',
    partitions: environment.kafkaTopicPartitions,
    replicationFactor: environment.kafkaReplicationFactor,
  });
  try {
    for (let partition = 0; partition < fanOut.sourcePartitionCount; partition++) {
      const publisher = await fanOut.openPublisher(partition);
      try {
        await publisher.publish([], { storeId: events.storeId, position });
      } finally {
        await publisher.close();
      }
    }
    const from = position === LOG_START ? 'the beginning of the log' : position;
    return `${fanOut.sourcePartitionCount} source partitions are published again from ${from}`;
  } finally {
    await fanOut.close();
  }
}
