import { ENGINE_VERSION, readAppEnvironment, type AppEnvironments, type ClusterApp } from '@livegift/config';
import { createTelemetry, type ProcessTelemetry } from '@livegift/observability';
import { ClockWatch, type TimeReference } from './clock-watch.js';
import { AwaitedDependency, type Dependency } from './dependency.js';
import { drainOnSignal } from './draining.js';
import { fail, failOnUncaught } from './fatal.js';
import { startOperationsServer, type OperationsServer } from './operations-server.js';
import { OriginPolicy } from './origin-policy.js';
import { systemClock, systemScheduler } from './outside.js';
import type { ReadinessPart } from './readiness.js';
import { ServerWatch, type WatchedServer } from './server-watch.js';

/** What an app begins with, in a process of its own. */
export interface ProcessEdge<App extends ClusterApp> {
  readonly environment: AppEnvironments[App];
  readonly telemetry: ProcessTelemetry;
  /** For the app's own server; the small one before it goes by it already. */
  readonly origins: OriginPolicy;
  /** Waits until it opens, with back-off; meanwhile `/health/ready` says what is missing and why. */
  open<Opened>(dependency: Dependency<Opened>): Promise<Opened>;
  /** Asks the server every two seconds, until the process ends: a part for readiness, and a line in the log at each change. */
  watch(server: WatchedServer): ReadinessPart;
  /** Starts it, and stops it before the app closes what it looks at. */
  keep<Kept extends { start(): void; stop(): void }>(kept: Kept): Kept;
  /** Compares this process's clock with others', until the process ends. Resolves after the first comparison. */
  watchClock(references: readonly TimeReference[]): Promise<ClockWatch>;
  /** Ends the small server that stood in for the app's own, which then listens there. */
  takeAddress(): Promise<{ readonly host: string; readonly port: number }>;
}

/** An app that has begun. What it needs may go away and come back: that is its own affair, and readiness says so. */
export interface RunningApp {
  /** For an app without an HTTP server of its own: what the process's small one says. */
  readonly readiness?: readonly ReadinessPart[];
  /** Finishes what was begun, then closes what was opened. */
  close(): Promise<void>;
}

/**
 * The whole of an app's `main`: reads its environment (and refuses a bad one with key and rule), serves health and metrics at
 * once, starts the app when what it needs is there, and drains on SIGTERM.
 */
export function runAppProcess<App extends ClusterApp>(
  app: App,
  start: (edge: ProcessEdge<App>) => Promise<RunningApp>,
  options: { readonly hasApi: boolean } = { hasApi: false },
): void {
  failOnUncaught();
  runApp(app, start, options).catch(fail);
}

async function runApp<App extends ClusterApp>(
  app: App,
  start: (edge: ProcessEdge<App>) => Promise<RunningApp>,
  { hasApi }: { readonly hasApi: boolean },
): Promise<void> {
  const environment = readAppEnvironment(app, process.env);
  const telemetry = createTelemetry({ level: environment.logLevel, app, processMetrics: true });
  telemetry.info('starting', { version: ENGINE_VERSION });
  telemetry.gauge('build_info', 1, { version: ENGINE_VERSION, app });
  const outside = { clock: systemClock, scheduler: systemScheduler, telemetry };
  const awaited: ReadinessPart[] = [];
  const kept: { stop(): void }[] = [];
  let running: RunningApp | null = null;
  const started: ReadinessPart = { name: app, isReady: () => running !== null };
  const { host, port } = environment;
  const origins = new OriginPolicy(environment);
  let operations: OperationsServer | null = await startOperationsServer({
    host,
    port,
    origins,
    telemetry,
    readiness: () => running?.readiness ?? [...awaited, started],
    otherwise: hasApi ? 'unavailable' : 'not-found',
  });
  const address = { host, port: operations.port };
  drainOnSignal({
    drainMsMax: environment.drainMsMax,
    telemetry,
    close: async () => {
      for (const each of kept) each.stop();
      await running?.close();
      await operations?.close();
    },
  });
  const keep = <Kept extends { start(): void; stop(): void }>(started: Kept): Kept => {
    kept.push(started);
    started.start();
    return started;
  };
  telemetry.info('started', address);
  running = await start({
    environment,
    telemetry,
    origins,
    open: async (dependency) => {
      const waiting = new AwaitedDependency(dependency, outside);
      awaited.push(waiting);
      return await waiting.opened();
    },
    watch: (server) => keep(new ServerWatch(server, outside)),
    keep,
    watchClock: async (references) => {
      const watch = new ClockWatch({ references, ...outside, clockSkewMsMax: environment.clockSkewMsMax });
      kept.push(watch);
      await watch.start();
      return watch;
    },
    takeAddress: async () => {
      const standIn = operations;
      operations = null;
      await standIn?.close();
      return address;
    },
  });
  telemetry.info('running');
}
