/** Processes that start in the very moment in which a Redis Cluster fails over. */
import { silentTelemetry } from '@livegift/kernel';
import { openRedisLeases } from '@livegift/lease-redis';
import { startRedisCluster, type LocalRedisCluster } from '@livegift/local-servers';
import { systemScheduler } from '@livegift/process';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { eventually } from '../support/api-client.js';
import { describeWithServers } from '../support/servers.js';

jest.setTimeout(180_000);

const OPENED = 16;
const OPENED_EVERY_MS = 250;
const BACK_MS_MAX = 60_000;

describeWithServers(['redis'], 'while a Redis Cluster fails over', () => {
  let cluster: LocalRedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    await (await cluster.masters())[0]!.kill();
  });
  afterAll(() => cluster?.stop());

  it('whoever connects gets there, however its first look ended', async () => {
    const options = { url: cluster.url, foldVersion: 1, telemetry: silentTelemetry, scheduler: systemScheduler };
    const models = [];
    const leases = [];
    // Spread over the failover: each of them meets another moment of it.
    for (let n = 0; n < OPENED; n++) {
      models.push(openRedisReadModel(options));
      leases.push(openRedisLeases(options));
      await new Promise((resolve) => setTimeout(resolve, OPENED_EVERY_MS));
    }
    const answers = (ask: () => Promise<unknown>): Promise<string> =>
      eventually(
        () =>
          ask().then(
            () => 'answers',
            (error: unknown) => String(error),
          ),
        (answer) => answer === 'answers',
        BACK_MS_MAX,
      );
    const opened = await Promise.all(models);
    const all = [
      ...opened.map((model) => answers(() => model.checkpoint(0))),
      ...leases.map((lease) => answers(() => lease.read('projector'))),
    ];
    expect(await Promise.all(all)).toEqual(all.map(() => 'answers'));
    await Promise.all([...opened, ...leases].map((each) => each.close()));
  });
});
