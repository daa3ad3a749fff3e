import { readEnvironment, type Environment } from '@livegift/config';
import { drainOnSignal, fail, failOnUncaught } from '@livegift/process';
import { startStandalone, type Standalone } from './standalone.js';

const NOT_IN_A_CLUSTER =
  'with PROFILE=cluster each app is its own process: `npm run cluster` starts them all (one alone: node apps/<app>/dist/main.js)';

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

/** Finishes what was begun, so that callers get their answers, and ends with the reason. */
function endAs(standalone: Standalone, error: Error, drainMsMax: number): void {
  setTimeout(() => fail(error), drainMsMax).unref();
  standalone.close().then(
    () => fail(error),
    () => fail(error),
  );
}

async function main(): Promise<void> {
  const environment = readStandaloneEnvironment();
  const standalone = await startStandalone({ environment });
  const { telemetry } = standalone;
  drainOnSignal({ drainMsMax: environment.drainMsMax, telemetry, close: () => standalone.close() });
  void standalone.lost.then((error) => endAs(standalone, error, environment.drainMsMax));
  say(standalone);
  await standalone.ready();
  telemetry.info('ready', { url: standalone.url });
}

failOnUncaught();
main().catch(fail);
