// The engine as users run it: its own process, a data directory of its own, taken down afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type Engine } from '../support/engine.js';

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
  const engine = await startEngine({ dataDir });
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
