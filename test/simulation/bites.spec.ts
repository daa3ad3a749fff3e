import { PLANTED_FAULTS } from './planted-faults.js';
import { simulate } from './run.js';
import { SPEC_SEEDS } from './seeds.js';

const SEARCH_MS_MAX = 120_000;

describe('the simulation bites', () => {
  it.each(Object.keys(PLANTED_FAULTS))(
    'finds %s',
    async (name) => {
      const { parts, shows } = PLANTED_FAULTS[name]!;
      for (let seed = 1; seed <= SPEC_SEEDS; seed++) {
        const { findings } = await simulate(seed, parts);
        if (findings.some((finding) => shows.test(finding))) return;
      }
      throw new Error(`${SPEC_SEEDS} seeds did not find ${name}`);
    },
    SEARCH_MS_MAX,
  );
});
