import { guardedAppends, newestRecordedAtMs } from '@livegift/event-store';
import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { shareWork } from '@livegift/lease';
import { openRedisLeases } from '@livegift/lease-redis';
import {
  addressOf,
  NestLog,
  newestEventTime,
  redisTime,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type RunningApp,
} from '@livegift/process';
import { ConsumerWatch, HistoryGuard } from '@livegift/subscriptions';
import { NestFactory } from '@nestjs/core';
import { Settlement, SettlementModule } from './settlement.module.js';

/** A credit that comes a moment later harms nobody, and a tenth of the appends is a tenth of their cost. */
const PAUSE_MS = 50;

/** Settlement in a process of its own, over EventStoreDB. Of several, one settles and the others stand by. */
export async function startSettlement(edge: ProcessEdge<'settlement'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
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
  const outside = { clock: systemClock, ids: systemIds, scheduler: systemScheduler, telemetry };
  const leases = openRedisLeases({ url: environment.redisUrl, telemetry });
  const clockWatch = await edge.watchClock([redisTime(leases), newestEventTime(() => newestRecordedAtMs(store))]);
  const guarded = guardedAppends(store, () => clockWatch.admit());
  const work = shareWork({ leases, group: 'settlement', partCount: 1, holder: systemIds.uuid(), ...outside });
  const app = await NestFactory.createApplicationContext(
    SettlementModule.register({ store: guarded, work, ...outside, options: { pauseMs: PAUSE_MS } }),
    {
      logger: new NestLog(telemetry),
      abortOnError: false,
    },
  );
  const settlement = app.get(Settlement);
  const watch = new ConsumerWatch({
    name: 'settlement',
    source: 'event-store',
    report: () => settlement.report(),
    head: () => store.head(),
    stallMsMax: environment.consumerStallMsMax,
    ...outside,
  });
  return {
    readiness: [
      history,
      edge.keep(watch),
      edge.watch({ name: 'event-store', at: addressOf(environment.eventStoreUrl), ask: () => store.head() }),
      edge.watch({ name: 'leases', at: addressOf(environment.redisUrl), ask: () => leases.read('settlement') }),
      clockWatch,
    ],
    close: async () => {
      await app.close();
      await leases.close();
      await store.close();
    },
  };
}
