import { describeFanOutContract } from '@livegift/fanout/contract';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { silentTelemetry } from '@livegift/kernel';
import { startKafka } from '@livegift/local-servers';
import { systemClock, systemScheduler } from '@livegift/process';
import { describeWithServers } from '../support/servers.js';

jest.setTimeout(600_000);

describeWithServers(['kafka'], 'the fan-out over Kafka', () => {
  describeFanOutContract('Kafka', async () => {
    const kafka = await startKafka();
    return {
      clock: systemClock,
      open: () =>
        openKafkaFanOut({
          brokers: [kafka.brokers],
          clientId: 'contract',
          clock: systemClock,
          scheduler: systemScheduler,
          telemetry: silentTelemetry,
          partitions: 3,
        }),
      close: () => kafka.stop(),
    };
  });
});
