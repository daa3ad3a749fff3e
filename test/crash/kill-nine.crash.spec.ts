import { crashRun } from './crash-run.js';

const KILLS = Number(process.env['CRASH_RUNS'] ?? '20');
const SEED = Number(process.env['CRASH_SEED'] ?? '7');

describe('an engine that is killed again and again', () => {
  it(`keeps every promise over ${KILLS} kills (seed ${SEED})`, async () => {
    const { breaches, ...figures } = await crashRun(KILLS, SEED);
    expect(breaches).toEqual([]);
    // The run must have bitten: answers lost and asked for again, feeds broken and resumed.
    expect(figures.acknowledged).toBeGreaterThan(KILLS * 10);
    expect(figures.repeats).toBeGreaterThan(KILLS);
    expect(figures.replaysAsked).toBeGreaterThan(0);
    expect(figures.completeResumes).toBeGreaterThanOrEqual(KILLS);
  }, 600_000);
});
