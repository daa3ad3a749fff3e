import type { AddressInfo } from 'node:net';
import { FanOutError } from '@livegift/fanout';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import {
  addressOf,
  NestLog,
  systemClock,
  systemScheduler,
  type ProcessEdge,
  type ReadinessPart,
  type RunningApp,
} from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { assertBuilt, type ReadModel } from '@livegift/read-model';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { ConsumerWatch } from '@livegift/subscriptions';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { configureGatewayHttp, createGatewayHttp } from './gateway-http.js';
import { GatewayServerModule } from './gateway-server.module.js';
import { placeInFanOut, ROOM_GATEWAY_DEFAULTS, RoomGateway } from './room-gateway.module.js';

/** The gateway in a process of its own, over Kafka and Redis: live rooms, health, metrics and nothing else. */
export async function startRoomGateway(edge: ProcessEdge<'room-gateway'>): Promise<RunningApp> {
  const { environment, telemetry } = edge;
  const { boardUtcOffset, boardRetentionMs, streakWindowMs } = environment;
  const outside = { clock: systemClock, scheduler: systemScheduler, telemetry };
  const readModel = await openRedisReadModel({
    ...outside,
    url: environment.redisUrl,
    foldVersion: PROJECTIONS_VERSION,
    utcOffset: boardUtcOffset,
    retentionMs: boardRetentionMs,
  });
  const storeId = await edge.open({
    name: 'read-model',
    at: addressOf(environment.redisUrl),
    open: () => storeIdOf(readModel),
  });
  const fanOut = await edge.open({
    name: 'fan-out',
    at: environment.kafkaBrokers.join(','),
    open: () =>
      openKafkaFanOut({
        ...outside,
        brokers: environment.kafkaBrokers,
        tls: environment.kafkaTls,
        login: environment.kafkaLogin,
        clientId: 'livegift-room-gateway',
        partitions: environment.kafkaTopicPartitions,
        replicationFactor: environment.kafkaReplicationFactor,
      }),
    isHopeless: (error) => error instanceof FanOutError && error.code !== 'unavailable',
  });
  const feed = { ...ROOM_GATEWAY_DEFAULTS.feed, streakWindowMs };
  const gateway = {
    fanOut,
    readModel,
    storeId,
    origins: edge.origins,
    ...outside,
    config: { ...ROOM_GATEWAY_DEFAULTS, feed },
  };
  const readiness: ReadinessPart[] = [];
  const app = await NestFactory.create<NestFastifyApplication>(
    GatewayServerModule.register({ gateway, readiness, telemetry }),
    createGatewayHttp(),
    { logger: new NestLog(telemetry), abortOnError: false },
  );
  const draining = configureGatewayHttp(app, { origins: edge.origins, telemetry });
  const started = app.get(RoomGateway);
  const watch = new ConsumerWatch({
    name: 'room-feed',
    source: 'fan-out',
    report: () => started.report(),
    head: async () => placeInFanOut(await fanOut.end()),
    stallMsMax: environment.consumerStallMsMax,
    ...outside,
  });
  readiness.push(
    edge.keep(watch),
    admissionOf(started),
    // Without the read model new clients get 503 and connected clients stay, so it takes no gateway out of service.
    edge.watch({ name: 'read-model', at: addressOf(environment.redisUrl), ask: () => assertBuilt(readModel) }),
    edge.watch({ name: 'fan-out', at: environment.kafkaBrokers.join(','), ask: () => fanOut.end() }),
  );
  const { host, port } = await edge.takeAddress();
  await app.listen(port, host);
  telemetry.info('listening', { ...(app.getHttpServer().address() as AddressInfo) });
  return {
    close: async () => {
      draining.begin();
      await app.close();
      await fanOut.close();
      await readModel.close();
    },
  };
}

/** Of which store the read model is: frame ids begin with it. @throws until a projector has written there */
async function storeIdOf(readModel: ReadModel): Promise<string> {
  const checkpoint = await readModel.checkpoint(0);
  if (checkpoint === null) throw new Error('the read model is empty: has a projector got there yet?');
  return checkpoint.storeId;
}

const admissionOf = (gateway: RoomGateway): ReadinessPart => ({
  name: 'admission',
  isReady: () => gateway.state().ready,
  reason: () => 'has not read the rooms from the fan-out',
});
