import { PLANTED_FAULTS } from './planted-faults.js';
import { simulate } from './run.js';

/** Of the seeds that `simulation.spec.ts` runs: a fault that none of these finds would pass `npm test`. */
const SEEDS = 300;
const SEARCH_MS_MAX = 120_000;

describe('the simulation bites', () => {
  it.each(Object.keys(PLANTED_FAULTS))(
    'finds %s',
    async (fault) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { findings } = await simulate(seed, PLANTED_FAULTS[fault]!);
        if (findings.length > 0) return;
      }
      throw new Error(`${SEEDS} seeds did not find ${fault}`);
    },
    SEARCH_MS_MAX,
  );
});
