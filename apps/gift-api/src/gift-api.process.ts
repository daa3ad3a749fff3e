import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { shareWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import {
  DeploymentChoiceError,
  keepBoardUtcOffset,
  NestLog,
  answers,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type RunningApp,
} from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { startGiftApi } from './gift-api.server.js';

/** Here an append in order waits for the answer to the one before: two of them at a time are twice as quick. */
const importSliceLines = 25;

/** The gift API in a process of its own, over EventStoreDB and Redis. Commands need only the event store. */
export async function startGiftApiProcess(edge: ProcessEdge<'gift-api'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const { boardUtcOffset, boardRetentionMs, bulkLinesMax, streakWindowMs, creatorShareBps } = environment;
  const outside = { clock: systemClock, ids: systemIds, scheduler: systemScheduler, telemetry };
  const store = await edge.open({
    name: 'event-store',
    open: () =>
      openEventStoreDb({
        connectionString: environment.eventStoreUrl,
        telemetry,
        limits: { deadlineMs: environment.eventStoreAnswerMsMax },
      }),
    isHopeless: isUnavailableForGood,
  });
  await edge.open({
    name: 'deployment',
    open: () => keepBoardUtcOffset(store, boardUtcOffset),
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
  const sharing = { group: 'purchase-finisher', partCount: 1, holder: systemIds.uuid() };
  const finisherWork = shareWork({ leases, ...sharing, ...outside });
  const { corsOrigins, bodyBytesMax, bulkBodyBytesMax, drainMsMax } = environment;
  const server = await startGiftApi({
    parts: {
      store,
      readModel,
      finisherWork,
      ...outside,
      config: { boardUtcOffset, bulkLinesMax, commands: { streakWindowMs, creatorShareBps, importSliceLines } },
      readiness: [
        // Without one of them commands or queries answer 503, and the others go on: no reason to send nobody here, where
        // the answer would be a door's that finds nobody.
        { ...answers('event-store', () => store.head()), isOptional: true },
        { ...answers('read-model', () => readModel.checkpoint(0)), isOptional: true },
      ],
    },
    http: { corsOrigins, bodyBytesMax, bulkBodyBytesMax, drainMsMax },
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
