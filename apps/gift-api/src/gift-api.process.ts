import { guardedAppends, newestRecordedAtMs } from '@livegift/event-store';
import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import type { Position } from '@livegift/kernel';
import { shareWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import {
  addressOf,
  DeploymentChoiceError,
  keepBoardUtcOffset,
  newestEventTime,
  redisTime,
  NestLog,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type RunningApp,
} from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { assertBuilt, type ReadModel } from '@livegift/read-model';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { HistoryGuard } from '@livegift/subscriptions';
import { startGiftApi } from './gift-api.server.js';

/** Here an append in order waits for the answer to the one before: two of them at a time are twice as quick. */
const importSliceLines = 25;

/** The gift API in a process of its own, over EventStoreDB and Redis. Commands need only the event store. */
export async function startGiftApiProcess(edge: ProcessEdge<'gift-api'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const { boardUtcOffset, boardRetentionMs, bulkLinesMax, streakWindowMs, creatorShareBps } = environment;
  const outside = { clock: systemClock, ids: systemIds, scheduler: systemScheduler, telemetry };
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
  const projected = await newestProjected(readModel, store.storeId);
  if (projected !== null) history.remember(projected);
  // Before the first command. What it finds is in readiness, and an event store that is away is waited for there too.
  await history.look().catch(() => {});
  const leases = openRedisLeases({ url: environment.redisUrl, telemetry });
  const clockWatch = await edge.watchClock([redisTime(leases), newestEventTime(() => newestRecordedAtMs(store))]);
  const sharing = { group: 'purchase-finisher', partCount: 1, holder: systemIds.uuid() };
  const finisherWork = shareWork({ leases, ...sharing, ...outside });
  const { bodyBytesMax, bulkBodyBytesMax, drainMsMax } = environment;
  const server = await startGiftApi({
    parts: {
      store: guardedAppends(store, () => clockWatch.admit()),
      readModel,
      finisherWork,
      ...outside,
      consumerStallMsMax: environment.consumerStallMsMax,
      config: { boardUtcOffset, bulkLinesMax, commands: { streakWindowMs, creatorShareBps, importSliceLines } },
      readiness: [
        history,
        // Without the event store commands answer 503 and queries go on, without the read model the other way round. Taken
        // out of service, this process would answer neither.
        edge.watch({ name: 'event-store', at: addressOf(environment.eventStoreUrl), ask: () => store.head() }),
        edge.watch({ name: 'read-model', at: addressOf(environment.redisUrl), ask: () => assertBuilt(readModel) }),
        // Others, whose clocks are right, accept what this one refuses.
        clockWatch,
      ],
    },
    http: { origins: edge.origins, bodyBytesMax, bulkBodyBytesMax, drainMsMax },
    ...(await edge.takeAddress()),
    logger: new NestLog(telemetry),
  });
  return {
    close: async () => {
      await server.close();
      await leases.close();
      await readModel.close();
      await store.close();
    },
  };
}

/**
 * How far read models have followed this history: an event store that does not reach it went back while this process was
 * away. Null where they do not answer, since commands need only the event store.
 */
async function newestProjected(readModel: ReadModel, storeId: string): Promise<Position | null> {
  const partitions = Array.from({ length: readModel.partitionCount }, (_, partition) => partition);
  const checkpoints = await Promise.allSettled(partitions.map((partition) => readModel.checkpoint(partition)));
  let newest: Position | null = null;
  for (const answer of checkpoints) {
    const checkpoint = answer.status === 'fulfilled' ? answer.value : null;
    if (checkpoint?.storeId !== storeId) continue;
    if (newest === null || checkpoint.position > newest) newest = checkpoint.position;
  }
  return newest;
}
