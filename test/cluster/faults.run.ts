import { breachesAfter, caughtUp } from '../crash/aftermath.js';
import { Chances } from '../crash/chances.js';
import { PlatformDriver } from '../crash/platform-driver.js';
import { ApiClient } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { ResumingListener } from '../support/room-clients.js';
import { breachesInKafka, breachesInRedis } from './faults.aftermath.js';
import { APP_FAULTS, CLUSTERED_SERVER_FAULTS, SERVER_FAULTS, type Fault } from './faults.kinds.js';

const WORKERS = 4;
/** Two processes of each app and their servers share a small machine with whoever sends. */
const PACE_MS = 30;
const BETWEEN_FAULTS_MS_MIN = 300;
const BETWEEN_FAULTS_MS_MAX = 2_500;
const READY_MS_MAX = 180_000;
const COUNTS = { 'gift-api': 2, settlement: 2, projector: 2, publisher: 2, 'room-gateway': 2 } as const;

export interface FaultRunOptions {
  readonly seed: number;
  /** How many faults of the apps, and as many of the servers; each kind comes once before one comes again. */
  readonly faults: number;
  readonly redis: 'single' | 'cluster';
  /** Default: all kinds. */
  readonly isWanted?: (kind: string) => boolean;
  readonly onFault?: (kind: string) => void;
}

export interface FaultRun {
  readonly breaches: readonly string[];
  readonly struck: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  /** Commands whose answer was lost and that were sent again. */
  readonly repeats: number;
  readonly replaysAsked: number;
  readonly completeResumes: number;
  /** Resumes that were told that they cannot have what they missed. */
  readonly gapsTold: number;
  readonly kafkaMessages: number;
  readonly kafkaRepeats: number;
}

/**
 * Sends commands to a whole cluster while its processes and servers fail, then looks whether every promise held. The seed
 * makes the decisions repeatable; when exactly a fault hits is the machine's own chance.
 */
export async function faultRun(options: FaultRunOptions): Promise<FaultRun> {
  const cluster = await Cluster.start({ counts: COUNTS, redis: options.redis });
  try {
    return await strikeAndLook(cluster, options);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.stack : String(error)}\n${cluster.words}`, { cause: error });
  } finally {
    await cluster.dispose();
  }
}

async function strikeAndLook(cluster: Cluster, options: FaultRunOptions): Promise<FaultRun> {
  const { seed } = options;
  const driver = new PlatformDriver(anyDoor(cluster, new Chances(seed + 1)), new Chances(seed + 2), PACE_MS);
  await driver.furnish();
  const gateways = cluster.appsOf('room-gateway').map(({ url }) => url);
  const listeners = [
    [driver.hotRoom, new ResumingListener(gateways, driver.hotRoom, 'sse')],
    [driver.hotRoom, new ResumingListener(gateways, driver.hotRoom, 'websocket')],
    ['room-3', new ResumingListener(gateways, 'room-3', 'sse')],
  ] as const;
  for (const [, listener] of listeners) await listener.start();
  const struck: Record<string, number> = {};
  const onFault = (kind: string): void => {
    struck[kind] = (struck[kind] ?? 0) + 1;
    options.onFault?.(kind);
    for (const [, listener] of listeners) listener.move();
  };
  const driving = driver.run(WORKERS);
  const breaches = await strikeAll(cluster, options, onFault);
  driver.stop();
  await driving;
  const api = new ApiClient(cluster.url);
  await cluster.ready(undefined, READY_MS_MAX);
  await Promise.all(listeners.map(([room, listener]) => caughtUp(api, room, listener)));
  for (const [, listener] of listeners) await listener.stop();
  breaches.push(...(await breachesAfter(api, ['--event-store', cluster.eventStore.url], driver, listeners)));
  breaches.push(...(await breachesInRedis(cluster)));
  const kafka = await breachesInKafka(cluster, await api.events({ types: 'GiftSent' }));
  return {
    breaches: [...breaches, ...kafka.breaches],
    struck,
    acknowledged: driver.accepted,
    repeats: driver.repeats,
    replaysAsked: driver.replaysAsked,
    completeResumes: listeners.reduce((sum, [, { completeResumes }]) => sum + completeResumes, 0),
    gapsTold: listeners.reduce((sum, [, { gapsTold }]) => sum + gapsTold.length, 0),
    kafkaMessages: kafka.messages,
    kafkaRepeats: kafka.repeats,
  };
}

/** Through the door, or straight to one of the gift-apis. */
function anyDoor(cluster: Cluster, chances: Chances): Pick<ApiClient, 'keyed' | 'lines'> {
  const doors = [cluster.url, ...cluster.appsOf('gift-api').map(({ url }) => url)].map((url) => new ApiClient(url));
  return {
    keyed: (...asked) => chances.pick(doors).keyed(...asked),
    lines: (...asked) => chances.pick(doors).lines(...asked),
  };
}

/** Apps and servers fail side by side, each list in an order of its own. @returns what ended without being asked to */
async function strikeAll(
  cluster: Cluster,
  { seed, faults, redis, isWanted = () => true }: FaultRunOptions,
  onFault: (kind: string) => void,
): Promise<string[]> {
  const breaches: string[] = [];
  const strikeEach = async (kinds: readonly Fault[], chances: Chances): Promise<void> => {
    const wanted = kinds.filter(({ kind }) => isWanted(kind));
    for (const fault of inRandomOrder(wanted, wanted.length === 0 ? 0 : faults, chances)) {
      await new Promise((done) => setTimeout(done, chances.between(BETWEEN_FAULTS_MS_MIN, BETWEEN_FAULTS_MS_MAX)));
      onFault(fault.kind);
      await fault.strike(cluster, chances);
    }
  };
  await Promise.all([
    strikeEach(APP_FAULTS, new Chances(seed + 3)),
    strikeEach(redis === 'single' ? SERVER_FAULTS : CLUSTERED_SERVER_FAULTS, new Chances(seed + 4)),
  ]);
  for (const { name, isRunning, words } of cluster.apps) {
    if (!isRunning) breaches.push(`${name} ended by itself: ${words.slice(-2_000)}`);
  }
  return breaches;
}

function* inRandomOrder<Item>(items: readonly Item[], count: number, chances: Chances): Generator<Item> {
  for (let drawn = 0, left: Item[] = []; drawn < count; drawn++) {
    if (left.length === 0) left = [...items];
    yield left.splice(chances.between(0, left.length - 1), 1)[0]!;
  }
}
