import { simulate } from './run.js';
import { SPEC_SEEDS } from './seeds.js';

const CHUNK = 20;
const CHUNK_MS_MAX = 120_000;

describe('the whole pipeline, simulated', () => {
  const firsts = Array.from({ length: SPEC_SEEDS / CHUNK }, (_, chunk) => 1 + chunk * CHUNK);

  it.each(firsts)(
    `keeps every promise with the ${CHUNK} seeds from %d on`,
    async (first) => {
      for (let seed = first; seed < first + CHUNK; seed++) {
        const { findings } = await simulate(seed);
        if (findings.length > 0) throw new Error(`npm run simulate -- --seed ${seed}\n${findings.join('\n')}`);
      }
    },
    CHUNK_MS_MAX,
  );

  it.each([3, 17, 101])('does exactly the same again with seed %d', async (seed) => {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second.traceHash).toBe(first.traceHash);
    expect(second.steps).toBe(first.steps);
    expect(second.trace).toEqual(first.trace);
  });
});
