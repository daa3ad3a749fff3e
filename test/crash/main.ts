/** `npm run crash -- --runs 100 [--seed N]`: kills the engine so many times, then says what did not hold. */
import { parseArgs } from 'node:util';
import { crashRun } from './crash-run.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' }, seed: { type: 'string' } } });
const runs = Number(values.runs);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: npm run crash -- --runs <kills> [--seed <integer>]\n');
  process.exit(2);
}
const { breaches, ...figures } = await crashRun(runs, seed, (kill) => {
  if (process.stderr.isTTY) process.stderr.write(`\rkilled ${kill} of ${runs} times`);
});
for (const breach of breaches) process.stdout.write(`${breach}\n`);
process.stdout.write(`${JSON.stringify({ seed, ...figures, breaches: breaches.length })}\n`);
process.exitCode = breaches.length === 0 ? 0 : 1;
