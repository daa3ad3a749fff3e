import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoppedError, UsageError } from '../exit-codes.js';

const MAIN = fileURLToPath(new URL('../../../standalone/dist/main.js', import.meta.url));
const PACKAGE = new URL('../../../../package.json', import.meta.url);
const READY_MS_MAX = 30_000;
const ASK_EVERY_MS = 100;

export interface Engine {
  readonly url: string;
  /** True when it began empty, and goes when it stops. */
  readonly temporary: boolean;
  /** Resolves when it has gone. */
  stop(): Promise<void>;
}

/** Starts the engine as its own process: on `DATA_DIR` when that is set, else on a directory that is removed afterwards. */
export async function startEngine(): Promise<Engine> {
  if (!existsSync(MAIN)) throw new UsageError('the engine is not built yet: npm run build');
  const port = process.env['PORT'] ?? '3000';
  const url = `http://${process.env['HOST'] ?? '127.0.0.1'}:${port}`;
  if (await isReady(url)) {
    throw new UsageError(`an engine runs at ${url} already: play into it with --api ${url}, or choose another PORT`);
  }
  const given = process.env['DATA_DIR'];
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'livegift-demo-')));
  const child = spawn(process.execPath, [...nodeFlagsOfStart(), MAIN], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: port, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C reaches every process of the terminal's group; the engine is to go when the demo says so.
    detached: true,
  });
  child.stdout.pipe(process.stderr);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
    if (given === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, temporary: given === undefined, stop };
}

/** What Node is told in `npm start`. */
function nodeFlagsOfStart(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly scripts: { readonly start: string } };
  return scripts.start.match(/--[a-z-]+=\d+/g) ?? [];
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (const end = performance.now() + READY_MS_MAX; performance.now() < end;) {
    if (child.exitCode !== null)
      throw new StoppedError(`the engine ended at once (exit ${child.exitCode}); its words are above`);
    if (await isReady(url)) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new StoppedError(`the engine was not ready within ${READY_MS_MAX / 1_000} s`);
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    (response) => response.ok,
    () => false,
  );
}
