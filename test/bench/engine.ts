// The engine as users run it: its own process, a data directory of its own, taken down afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type Engine } from '../support/engine.js';

/** Starting on ten million events takes its time on a slow machine; what it took is what is measured. */
const READY_MS_MAX = 600_000;

export interface EngineOrder {
  /** Default: a fresh one, removed afterwards. */
  readonly dataDir?: string;
}

export async function withEngine<Result>(
  order: EngineOrder,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  return order.dataDir === undefined
    ? withDirectory((dataDir) => withEngine({ dataDir }, work))
    : running(order.dataDir, work);
}

async function running<Result>(dataDir: string, work: (engine: Engine) => Promise<Result>): Promise<Result> {
  const engine = await startEngine({ dataDir, readyMsMax: READY_MS_MAX });
  try {
    return await work(engine);
  } finally {
    await engine.stop();
  }
}

export async function withDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'livegift-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
