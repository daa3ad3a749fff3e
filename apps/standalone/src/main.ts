import { readEnvironment, type Environment } from '@livegift/config';
import { startStandalone, type Standalone } from './standalone.js';

const FATAL = 1;
const NOT_IN_A_CLUSTER =
  'PROFILE must be embedded here: standalone is everything in one process; in a cluster each app runs by itself';

/** One clear line, whatever it was; the details of the unexpected are for whoever asks with LOG_LEVEL=debug. */
function fail(error: unknown): never {
  const { message, code } = error as NodeJS.ErrnoException;
  const said =
    code === 'EADDRINUSE'
      ? `the address is in use: ${message}. Is livegift running already? Choose another PORT.`
      : code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? `cannot listen or write there: ${message}`
        : message || String(error);
  process.stderr.write(`livegift: ${said.split('\n', 1)[0]}\n`);
  if (process.env['LOG_LEVEL'] === 'debug') process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  process.exit(FATAL);
}

function readStandaloneEnvironment(): Environment {
  const environment = readEnvironment(process.env);
  if (environment.profile === 'cluster') {
    throw new Error(NOT_IN_A_CLUSTER);
  }
  return environment;
}

function say({ url, dataDir }: Standalone): void {
  process.stdout.write(
    [
      `livegift listens on ${url}`,
      `  API      ${url}/v1   (described at ${url}/docs, as OpenAPI at ${url}/v1/openapi.json)`,
      `  health   ${url}/health/ready   metrics ${url}/metrics`,
      `  data     ${dataDir}`,
      '',
    ].join('\n'),
  );
}

/** Drains once on SIGTERM or SIGINT; a second one, or `drainMsMax`, cuts it short. */
function drainOnSignal(standalone: Standalone, drainMsMax: number): void {
  let isDraining = false;
  const drain = (signal: NodeJS.Signals): void => {
    if (isDraining) process.exit(FATAL);
    isDraining = true;
    standalone.telemetry.info('draining', { signal });
    const cut = setTimeout(() => {
      standalone.telemetry.error('draining took too long and was cut off', { drainMsMax });
      process.exit(FATAL);
    }, drainMsMax);
    standalone.close().then(() => {
      clearTimeout(cut);
      process.exit(0);
    }, fail);
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

async function main(): Promise<void> {
  const environment = readStandaloneEnvironment();
  const standalone = await startStandalone({ environment });
  drainOnSignal(standalone, environment.drainMsMax);
  say(standalone);
  await standalone.ready();
  standalone.telemetry.info('ready', { url: standalone.url });
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main().catch(fail);
