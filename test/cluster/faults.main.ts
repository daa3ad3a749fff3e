/** `npm run crash:cluster -- --runs 100 [--seed N] [--only WORD]`: so many faults in a cluster, then what did not hold. */
import { parseArgs } from 'node:util';
import { faultRun } from './faults.run.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    seed: { type: 'string' },
    only: { type: 'string', multiple: true },
    redis: { type: 'string', multiple: true },
  },
});
const runs = Number(values.runs);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const profiles = (values.redis ?? ['single', 'cluster']).filter((name) => name === 'single' || name === 'cluster');
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed) || profiles.length === 0) {
  process.stderr.write(
    'usage: npm run crash:cluster -- --runs <faults> [--seed <integer>] [--only <word of a kind>]… [--redis single|cluster]…\n',
  );
  process.exit(2);
}

for (const redis of profiles) {
  let faults = 0;
  const { breaches, ...figures } = await faultRun({
    seed,
    redis,
    faults: Math.ceil(runs / profiles.length / 2),
    isWanted: (kind) => values.only === undefined || values.only.some((word) => kind.includes(word)),
    onFault: (kind) => process.stderr.write(`${new Date().toISOString()} ${++faults}. ${kind}\n`),
  });
  for (const breach of breaches) process.stdout.write(`${breach}\n`);
  process.stdout.write(`${JSON.stringify({ seed, redis, ...figures, breaches: breaches.length })}\n`);
  if (breaches.length > 0) process.exitCode = 1;
}
