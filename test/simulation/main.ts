import { parseArgs } from 'node:util';
import { simulate, type RunReport } from './run.js';

/** `npm run simulate -- --runs 1000 [--seed N] [--trace]`: prints every seed that fails; exit 1 when there was one. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    first: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});

const FINDINGS_SHOWN = 10;
const TRACE_LINES_SHOWN = 150;

function show(report: RunReport, traceLines: number): void {
  const { seed, findings, traceHash, steps, events } = report;
  const verdict = findings.length === 0 ? 'all was well' : `${findings.length} findings`;
  console.log(`seed ${seed}: ${verdict} (${steps} steps, ${events} events, trace ${traceHash})`);
  for (const finding of findings.slice(0, FINDINGS_SHOWN)) console.log(`  - ${finding}`);
  if (traceLines === 0) return;
  console.log(JSON.stringify(report.scenario));
  for (const line of report.trace.slice(-traceLines)) console.log(line);
}

async function one(seed: number): Promise<boolean> {
  const report = await simulate(seed, undefined, values.trace ? Number.MAX_SAFE_INTEGER : undefined);
  show(report, values.trace ? report.trace.length : TRACE_LINES_SHOWN);
  return report.findings.length === 0;
}

async function many(first: number, runs: number): Promise<boolean> {
  const failed: number[] = [];
  let steps = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const report = await simulate(seed);
    steps += report.steps;
    if (report.findings.length > 0) {
      failed.push(seed);
      show(report, 0);
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${seed - first + 1} of ${runs}, ${failed.length} failed `);
  }
  console.log(
    `${runs} runs, ${steps} steps, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(' ')}` : ''}`,
  );
  if (failed.length > 0) console.log(`Again: npm run simulate -- --seed ${failed[0]}`);
  return failed.length === 0;
}

const well =
  values.seed === undefined ? await many(Number(values.first), Number(values.runs)) : await one(Number(values.seed));
process.exitCode = well ? 0 : 1;
