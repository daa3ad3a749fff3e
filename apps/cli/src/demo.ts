/** `npm run demo`: starts the engine and plays a real event as live gifts through the public API. */
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { Broadcast } from './demo/broadcast.js';
import { startEngine } from './demo/engine-process.js';
import { PlatformClient } from './demo/platform-client.js';
import { EXIT, StoppedError, UsageError } from './exit-codes.js';
import { readHistoryRows } from './import/history-rows.js';
import { surveyFile } from './import/import-file.js';
import { progressOn } from './progress.js';

const EVENT = fileURLToPath(new URL('../../../test/fixtures/sgdq2016.csv', import.meta.url));
/** The marathon itself: before it there was only a pre-show, with a gift now and then. */
const FROM_DEFAULT = '2016-07-03T15:00:00Z';
const SPEED_DEFAULT = '300';

interface DemoOptions {
  readonly speed: string;
  readonly from: string;
  readonly api?: string;
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const program = new Command('demo')
  .description('start the engine and play a real event (Summer Games Done Quick 2016) as live gifts')
  .option('--speed <factor>', 'seconds of the event in one second; long silences are cut', SPEED_DEFAULT)
  .option('--from <time>', 'where in the event to begin', FROM_DEFAULT)
  .option('--api <url>', 'play into an engine that is running, instead of starting one')
  .exitOverride();

try {
  program.parse();
  await demo(program.opts<DemoOptions>());
} catch (error) {
  process.exitCode = explain(error);
}

async function demo(options: DemoOptions): Promise<void> {
  const speed = Number(options.speed);
  const fromMs = Date.parse(options.from);
  if (!(speed > 0)) throw new UsageError('--speed: a number above 0');
  if (Number.isNaN(fromMs)) throw new UsageError('--from: a time such as 2016-07-09T00:00:00Z');
  const engine = options.api === undefined ? await startEngine() : null;
  const api = engine?.url ?? options.api!;
  const progress = progressOn(process.stderr, 'demo', 'gifts');
  try {
    const run = Date.now().toString(36);
    const roomSuffix = engine?.temporary === true ? '' : `-${run}`;
    sayWhereToLook(api);
    progress.start((await surveyFile(EVENT)).rows);
    const broadcast = new Broadcast(
      new PlatformClient(api, run, stop.signal),
      { speed, fromMs, roomSuffix },
      {
        roomOpened: (roomId, creatorId, at) =>
          process.stdout.write(`${at}  ${creatorId} goes live: ${api}/v1/rooms/${roomId}/events\n`),
        giftSent: (rows, at) => progress.update(rows, at),
      },
      { elapsedMs: () => performance.now(), pause: (ms) => pause(ms, stop.signal) },
    );
    await broadcast.play(readHistoryRows(EVENT));
    process.stdout.write('The event is over. The engine stays up; Ctrl-C ends it.\n');
    if (engine !== null) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  } finally {
    progress.stop();
    await engine?.stop();
  }
}

function sayWhereToLook(api: string): void {
  process.stdout.write(`Watch it move:
  today's creators   ${api}/v1/leaderboards/creators?window=day
  today's gifters    ${api}/v1/leaderboards/gifters?window=day
  live, as a stream  curl -N -H 'accept: text/event-stream' '${api}/v1/leaderboards/gifters?window=day'
  a room, live       curl -N ${api}/v1/rooms/<roomId>/events
  every event        curl -N '${api}/v1/events?follow=true'
  the API            ${api}/docs
`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', stopped, { once: true });
    function done(): void {
      signal.removeEventListener('abort', stopped);
      resolve();
    }
    function stopped(): void {
      clearTimeout(timer);
      reject(signal.reason as Error);
    }
  });
}

function explain(error: unknown): number {
  if (stop.signal.aborted) return EXIT.clean;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
  const known = error instanceof UsageError || error instanceof StoppedError;
  process.stderr.write(`demo: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
  return error instanceof UsageError ? EXIT.usage : EXIT.finding;
}
