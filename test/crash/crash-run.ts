import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { ResumingListener } from '../support/room-clients.js';
import { breachesAfter, caughtUp } from './aftermath.js';
import { Chances } from './chances.js';
import { PlatformDriver } from './platform-driver.js';

const WORKERS = 8;
const UP_MS_MIN = 100;
const UP_MS_MAX = 900;

export interface CrashRun {
  readonly breaches: readonly string[];
  readonly kills: number;
  readonly acknowledged: number;
  /** Commands whose answer was lost and that were sent again. */
  readonly repeats: number;
  readonly replaysAsked: number;
  /** Resumes that were told complete. */
  readonly completeResumes: number;
}

/**
 * Sends commands to a real engine and kills it at random moments, `kills` times, then looks whether every promise held.
 * The seed makes the decisions repeatable; when exactly a kill hits is the machine's own chance.
 */
export async function crashRun(
  kills: number,
  seed: number,
  onKill: (kill: number) => void = () => {},
): Promise<CrashRun> {
  const chances = new Chances(seed);
  // So few that kills also hit the writing of snapshots, and most starts begin from one.
  const engine = await startEngine({ env: { SNAPSHOT_EVERY_EVENTS: '200' } });
  try {
    const api = new ApiClient(engine.url);
    const driver = new PlatformDriver(api, new Chances(seed + 1));
    await driver.furnish();
    const listeners = [
      [driver.hotRoom, new ResumingListener(engine.url, driver.hotRoom, 'sse')],
      [driver.hotRoom, new ResumingListener(engine.url, driver.hotRoom, 'websocket')],
      ['room-3', new ResumingListener(engine.url, 'room-3', 'sse')],
    ] as const;
    for (const [, listener] of listeners) await listener.start();
    const driving = driver.run(WORKERS);
    for (let kill = 1; kill <= kills; kill++) {
      await new Promise((done) => setTimeout(done, chances.between(UP_MS_MIN, UP_MS_MAX)));
      await crash(engine, chances);
      onKill(kill);
    }
    driver.stop();
    await driving;
    await Promise.all(listeners.map(([room, listener]) => caughtUp(api, room, listener)));
    for (const [, listener] of listeners) await listener.stop();
    return {
      breaches: await breachesAfter(api, ['--data-dir', engine.dataDir], driver, listeners),
      kills,
      acknowledged: driver.accepted,
      repeats: driver.repeats,
      replaysAsked: driver.replaysAsked,
      completeResumes: listeners.reduce((sum, [, { completeResumes }]) => sum + completeResumes, 0),
    };
  } finally {
    await engine.dispose();
  }
}

/** Mostly kill -9; now and then an orderly end, or another kill while it is still starting. */
async function crash(engine: Engine, chances: Chances): Promise<void> {
  if (chances.oneIn(6)) await engine.stop();
  else await engine.kill();
  if (chances.oneIn(4)) await engine.upAndKill(chances.between(50, 1_000));
  await engine.up();
}
