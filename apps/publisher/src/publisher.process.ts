import { newestRecordedAtMs } from '@livegift/event-store';
import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { FanOutError } from '@livegift/fanout';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { shareWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import {
  addressOf,
  NestLog,
  newestEventTime,
  optional,
  redisTime,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type RunningApp,
} from '@livegift/process';
import { ConsumerWatch, HistoryGuard } from '@livegift/subscriptions';
import { NestFactory } from '@nestjs/core';
import { Publisher, PUBLISHER_DEFAULTS, PublisherModule } from './publisher.module.js';

/** A transaction in Kafka costs the broker and us some milliseconds of work, whatever is in it. */
const PACE = { transactionEveryMs: 20, transactionBusyMax: 1 / 3 };

/** The publisher in a process of its own, from EventStoreDB to Kafka. Any number of them share the source partitions. */
export async function startPublisher(edge: ProcessEdge<'publisher'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const outside = { clock: systemClock, scheduler: systemScheduler, telemetry };
  const opened = await edge.open({
    name: 'event-store',
    at: addressOf(environment.eventStoreUrl),
    open: () =>
      openEventStoreDb({
        connectionString: environment.eventStoreUrl,
        telemetry,
        limits: { deadlineMs: environment.eventStoreAnswerMsMax },
      }),
    isHopeless: isUnavailableForGood,
  });
  const history = edge.keep(new HistoryGuard(opened, { scheduler: systemScheduler, telemetry }));
  const events = history.store;
  const fanOut = await edge.open({
    name: 'fan-out',
    at: environment.kafkaBrokers.join(','),
    open: () =>
      openKafkaFanOut({
        ...outside,
        brokers: environment.kafkaBrokers,
        tls: environment.kafkaTls,
        login: environment.kafkaLogin,
        clientId: 'livegift-publisher',
        partitions: environment.kafkaTopicPartitions,
        replicationFactor: environment.kafkaReplicationFactor,
      }),
    isHopeless: (error) => error instanceof FanOutError && error.code !== 'unavailable',
  });
  const leases = openRedisLeases({ url: environment.redisUrl, telemetry });
  const clockWatch = await edge.watchClock([redisTime(leases), newestEventTime(() => newestRecordedAtMs(events))]);
  const work = shareWork({
    leases,
    group: 'publisher',
    partCount: fanOut.sourcePartitionCount,
    holder: systemIds.uuid(),
    ...outside,
  });
  const publisher = new Publisher({
    events,
    fanOut,
    work,
    ...outside,
    config: { ...PUBLISHER_DEFAULTS, windowMs: null, ...PACE },
  });
  const app = await NestFactory.createApplicationContext(PublisherModule.of(publisher), {
    logger: new NestLog(telemetry),
    abortOnError: false,
  });
  const watch = new ConsumerWatch({
    name: 'publisher',
    source: 'event-store',
    report: () => publisher.report(),
    head: () => events.head(),
    stallMsMax: environment.consumerStallMsMax,
    ...outside,
  });
  return {
    readiness: [
      history,
      edge.keep(watch),
      edge.watch({ name: 'event-store', at: addressOf(environment.eventStoreUrl), ask: () => events.head() }),
      edge.watch({ name: 'fan-out', at: environment.kafkaBrokers.join(','), ask: () => fanOut.end() }),
      edge.watch({ name: 'leases', at: addressOf(environment.redisUrl), ask: () => leases.read('publisher') }),
      optional(clockWatch),
    ],
    close: async () => {
      await app.close();
      await leases.close();
      await fanOut.close();
      await events.close();
    },
  };
}
