import { newestRecordedAtMs } from '@livegift/event-store';
import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { shareWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import {
  addressOf,
  DeploymentChoiceError,
  keepBoardUtcOffset,
  newestEventTime,
  redisTime,
  NestLog,
  optional,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type ReadinessPart,
  type RunningApp,
} from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { BATCH_EVENTS_ADVISED, openRedisReadModel } from '@livegift/read-model-redis';
import { ConsumerWatch, HistoryGuard } from '@livegift/subscriptions';
import { NestFactory } from '@nestjs/core';
import { Projector, ProjectorModule } from './projector.module.js';

/** A call to Redis costs about the same for one event as for ten. */
const PAUSE_MS = 20;

/** The projector in a process of its own, from EventStoreDB to Redis. Any number of them share the partitions. */
export async function startProjector(edge: ProcessEdge<'projector'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const { boardUtcOffset, boardRetentionMs } = environment;
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
  const store = history.store;
  await edge.open({
    name: 'deployment',
    open: () => keepBoardUtcOffset(opened, boardUtcOffset),
    isHopeless: (error) => error instanceof DeploymentChoiceError,
  });
  const readModel = await openRedisReadModel({
    ...outside,
    url: environment.redisUrl,
    foldVersion: PROJECTIONS_VERSION,
    utcOffset: boardUtcOffset,
    retentionMs: boardRetentionMs,
  });
  const leases = openRedisLeases({ url: environment.redisUrl, telemetry });
  const clockWatch = await edge.watchClock([redisTime(leases), newestEventTime(() => newestRecordedAtMs(store))]);
  const work = shareWork({
    leases,
    group: 'projector',
    partCount: readModel.partitionCount,
    holder: systemIds.uuid(),
    ...outside,
  });
  const parts = {
    store,
    readModel,
    work,
    ...outside,
    config: { batchEventsMax: BATCH_EVENTS_ADVISED, pauseMs: PAUSE_MS },
  };
  const app = await NestFactory.createApplicationContext(ProjectorModule.register(parts), {
    logger: new NestLog(telemetry),
    abortOnError: false,
  });
  const projector = app.get(Projector);
  const watch = new ConsumerWatch({
    name: 'projector',
    source: 'event-store',
    report: () => projector.report(),
    head: () => store.head(),
    stallMsMax: environment.consumerStallMsMax,
    ...outside,
  });
  return {
    readiness: [
      history,
      edge.keep(watch),
      buildOf(projector),
      edge.watch({ name: 'event-store', at: addressOf(environment.eventStoreUrl), ask: () => store.head() }),
      edge.watch({ name: 'read-model', at: addressOf(environment.redisUrl), ask: () => readModel.checkpoint(0) }),
      optional(clockWatch),
    ],
    close: async () => {
      await app.close();
      await leases.close();
      await readModel.close();
      await store.close();
    },
  };
}

/** The partitions that this projector holds: each answers queries once it has been as far as the log was. */
const buildOf = (projector: Projector): ReadinessPart => ({
  name: 'partitions',
  isReady: () => projector.state().ready,
  reason: () => {
    const { built, partitions, phase, reason } = projector.state();
    return reason ?? `${phase}: ${built} of ${partitions} partitions are built`;
  },
  facts: () => ({ held: projector.state().partitions, built: projector.state().built }),
});
