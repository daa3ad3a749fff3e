import { NestFactory } from '@nestjs/core';
import { silentTelemetry } from '@livegift/kernel';
import { InMemoryEventStore, MoneyScenario } from '@livegift/testing';
import { Settlement, SettlementModule } from './settlement.module.js';

it('settles while the application runs, and has stopped when it is closed', async () => {
  const store = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
  const scenario = new MoneyScenario(store);
  await scenario.wallet('ann', 100);
  await scenario.room('r1', 'cleo');
  await scenario.gift({ viewerId: 'ann', roomId: 'r1' });
  let uuids = 0;
  const module = SettlementModule.register({
    store,
    clock: { now: () => 0, elapsedMs: () => 0 },
    ids: { uuid: () => `credit ${++uuids}` },
    scheduler: { after: () => ({ cancel: () => {} }) },
    telemetry: silentTelemetry,
  });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  while (!app.get(Settlement).state().caughtUp) await new Promise((resolve) => setImmediate(resolve));
  await app.close();
  expect(await store.readStream('creator-cleo', { limit: 10 })).toHaveLength(2);
  expect(await store.loadCheckpoint('settlement')).not.toBeNull();
  await scenario.gift({ viewerId: 'ann', roomId: 'r1' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(await store.readStream('creator-cleo', { limit: 10 })).toHaveLength(2);
});
