import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { ENGINE_VERSION, type Environment } from '@livegift/config';
import { guardedAppends, newestRecordedAtMs, type EventStore } from '@livegift/event-store';
import { openLmdbEventStore, type LmdbEventStore } from '@livegift/event-store-lmdb';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import type { FanOut } from '@livegift/fanout';
import { configureHttp, createHttpAdapter, type HttpDraining } from '@livegift/gift-api/gift-api.module';
import { createTelemetry, type ProcessTelemetry } from '@livegift/observability';
import type { Clocks, Position } from '@livegift/kernel';
import {
  ClockWatch,
  NestLog,
  newestEventTime,
  OriginPolicy,
  systemClock,
  systemScheduler,
  yieldToLoop,
  type ReadinessPart,
} from '@livegift/process';
import { PROJECTIONS_VERSION } from '@livegift/projections';
import { createMemoryReadModel, SNAPSHOT_FILE, type ReadModelInMemory } from '@livegift/read-model-memory';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { assertAddressFree } from './address.js';
import { keepDeployment } from './deployment.js';
import { StandaloneModule } from './standalone.module.js';

/** Messages that the gateway's windows are filled from after a restart. */
const FAN_OUT_RETAIN_MS = 900_000;
const FAN_OUT_MESSAGES_MAX = 50_000;
const FAN_OUT_SOURCE_PARTITIONS = 4;
const READY_POLL_MS = 20;

export interface StandaloneOptions {
  readonly environment: Environment;
  /** Default: what the environment's log level asks for. */
  readonly telemetry?: ProcessTelemetry;
  /** Default: the system's. */
  readonly clock?: Clocks;
}

/** The whole engine in this process. */
export interface Standalone {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly store: EventStore;
  readonly readModel: ReadModelInMemory;
  readonly telemetry: ProcessTelemetry;
  /** Resolves when another process has taken the data directory: this one can only end. */
  readonly lost: Promise<Error>;
  /** Resolves when `/health/ready` is green. */
  ready(): Promise<void>;
  /** Finishes what was begun, sends room clients away, and closes the store. Calling it twice is the same as once. */
  close(): Promise<void>;
}

/**
 * Opens the data directory, and starts everything over it. Resolves as soon as it listens; what it reads from the log
 * may take a while longer.
 * @throws AddressTakenError before anything is written, ConfigurationError, DeploymentError, EventStoreError (`held`, `damaged`), EADDRINUSE and the like
 */
export async function startStandalone({ environment, ...options }: StandaloneOptions): Promise<Standalone> {
  const telemetry =
    options.telemetry ?? createTelemetry({ level: environment.logLevel, app: 'standalone', processMetrics: true });
  telemetry.gauge('build_info', 1, { version: ENGINE_VERSION, app: 'standalone' });
  telemetry.info('starting', { version: ENGINE_VERSION });
  await assertAddressFree(environment.host, environment.port);
  const dataDir = resolve(environment.dataDir);
  let onLost: (error: Error) => void = () => {};
  const lost = new Promise<Error>((resolve) => (onLost = resolve));
  const clock = options.clock ?? systemClock;
  const store = await openLmdbEventStore({ directory: dataDir, clock, telemetry, onLost });
  const clockWatch = new ClockWatch({
    references: [newestEventTime(() => newestRecordedAtMs(store))],
    clock,
    scheduler: systemScheduler,
    telemetry,
    clockSkewMsMax: environment.clockSkewMsMax,
  });
  const ports: Ports = {
    store: guardedAppends(store, () => clockWatch.admit()),
    clockWatch,
    ...memoryPorts(environment, store, telemetry),
  };
  const logger = new NestLog(telemetry);
  let app: NestFastifyApplication | null = null;
  try {
    keepDeployment(dataDir, { boardUtcOffset: environment.boardUtcOffset });
    const origins = new OriginPolicy(environment);
    const http = {
      origins,
      bodyBytesMax: environment.bodyBytesMax,
      bulkBodyBytesMax: environment.bulkBodyBytesMax,
      drainMsMax: environment.drainMsMax,
      telemetry,
    };
    app = await NestFactory.create<NestFastifyApplication>(
      StandaloneModule.register({
        ...ports,
        clock,
        telemetry,
        environment,
        origins,
        writing: [appendsOf(store), clockWatch],
      }),
      createHttpAdapter(http),
      { bodyParser: false, abortOnError: false, logger },
    );
    const draining = await configureHttp(app, http);
    await clockWatch.start();
    await app.listen(environment.port, environment.host);
    logger.isStarted = true;
    return running(app, draining, ports, { dataDir, telemetry, lost });
  } catch (error) {
    await app?.close().catch(() => {});
    await closePorts(ports);
    throw error;
  }
}

interface Ports {
  readonly store: EventStore;
  readonly readModel: ReadModelInMemory;
  readonly fanOut: FanOut;
  readonly clockWatch: ClockWatch;
}

/** Not ready while no command can be written. */
function appendsOf(store: LmdbEventStore): ReadinessPart {
  return {
    name: 'event-store',
    isReady: () => store.appendObstacle() === null,
    reason: () => store.appendObstacle(),
  };
}

function memoryPorts(
  environment: Environment,
  store: EventStore,
  telemetry: ProcessTelemetry,
): Pick<Ports, 'readModel' | 'fanOut'> {
  return {
    readModel: createMemoryReadModel({
      utcOffset: environment.boardUtcOffset,
      retentionMs: environment.boardRetentionMs,
      clock: systemClock,
      scheduler: systemScheduler,
      yieldToLoop,
      snapshot: {
        file: join(resolve(environment.dataDir), SNAPSHOT_FILE),
        storeId: store.storeId,
        foldVersion: PROJECTIONS_VERSION,
        head: () => store.head(),
        eventIdAt: (position) => eventIdAt(store, position),
        telemetry,
        everyEvents: environment.snapshotEveryEvents,
      },
    }),
    fanOut: createMemoryFanOut({
      clock: systemClock,
      retainMs: FAN_OUT_RETAIN_MS,
      retainMessagesMax: FAN_OUT_MESSAGES_MAX,
      sourcePartitionCount: FAN_OUT_SOURCE_PARTITIONS,
    }),
  };
}

/** Positions of the embedded store count up by one. */
async function eventIdAt(store: EventStore, position: Position): Promise<string | null> {
  const before = String(BigInt(position) - 1n).padStart(position.length, '0') as Position;
  const [event] = await store.readAll({ after: before, limit: 1 });
  return event?.position === position ? event.id : null;
}

function running(
  app: NestFastifyApplication,
  draining: HttpDraining,
  ports: Ports,
  { dataDir, telemetry, lost }: Pick<Standalone, 'dataDir' | 'telemetry' | 'lost'>,
): Standalone {
  const { port, address, family } = app.getHttpServer().address() as AddressInfo;
  let closing: Promise<void> | null = null;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    dataDir,
    store: ports.store,
    readModel: ports.readModel,
    telemetry,
    lost,
    ready: () => whenReady(app),
    close: () => (closing ??= close(app, draining, ports)),
  };
}

async function whenReady(app: NestFastifyApplication): Promise<void> {
  for (;;) {
    const { statusCode } = await app.inject({ method: 'GET', url: '/health/ready' });
    if (statusCode === 200) return;
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
}

async function close(app: NestFastifyApplication, draining: HttpDraining, ports: Ports): Promise<void> {
  draining.begin();
  try {
    await app.close();
  } finally {
    await closePorts(ports);
  }
}

/** The store last: it waits for the appends under way. */
async function closePorts({ store, readModel, fanOut, clockWatch }: Ports): Promise<void> {
  clockWatch.stop();
  await fanOut.close();
  await readModel.close();
  await store.close();
}
