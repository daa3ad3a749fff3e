import { isUnavailableForGood, openEventStoreDb } from '@livegift/event-store-eventstoredb';
import {
  NestLog,
  systemClock,
  systemIds,
  systemScheduler,
  type ProcessEdge,
  type ReadinessPart,
  type RunningApp,
} from '@livegift/process';
import { NestFactory } from '@nestjs/core';
import { Settlement, SettlementModule } from './settlement.module.js';

/** Settlement in a process of its own, over EventStoreDB. Any number of them may run. */
export async function startSettlement(edge: ProcessEdge<'settlement'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const store = await edge.open({
    name: 'event-store',
    open: () => openEventStoreDb({ connectionString: environment.eventStoreUrl, telemetry }),
    isHopeless: isUnavailableForGood,
  });
  const outside = { clock: systemClock, ids: systemIds, scheduler: systemScheduler, telemetry };
  const app = await NestFactory.createApplicationContext(SettlementModule.register({ store, ...outside }), {
    logger: new NestLog(telemetry),
    abortOnError: false,
  });
  return {
    readiness: [readinessOf(app.get(Settlement))],
    close: async () => {
      await app.close();
      await store.close();
    },
  };
}

const readinessOf = (settlement: Settlement): ReadinessPart => ({
  name: 'settlement',
  isReady: () => settlement.state().failing === null,
  reason: () => settlement.state().failing,
});
