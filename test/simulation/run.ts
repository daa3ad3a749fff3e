import { SeededRandom } from '@livegift/testing';
import { SOUND_PARTS, type Parts } from './parts.js';
import { drawScenario, type Scenario } from './scenario.js';
import { Simulation } from './simulation.js';

export interface RunReport {
  readonly seed: number;
  /** What was not as promised; empty: all was well. */
  readonly findings: readonly string[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly steps: number;
  readonly events: number;
  readonly scenario: Scenario;
}

/** One run: a workload under faults, then a time without any in which all must come right, then the audit. */
export async function simulate(seed: number, parts: Parts = SOUND_PARTS, traceLines?: number): Promise<RunReport> {
  const random = new SeededRandom(seed);
  const scenario = drawScenario(random);
  const simulation = new Simulation(random, scenario, parts, traceLines);
  const findings = await simulation.run();
  const { world, server } = simulation;
  return {
    seed,
    findings,
    traceHash: world.trace.hash,
    trace: world.trace.lines(),
    steps: world.steps,
    events: server.log.length,
    scenario,
  };
}
