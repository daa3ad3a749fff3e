import { simulate } from './run.js';
it('smokes', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const t = performance.now();
    const r = await simulate(seed);
    if (r.findings.length)
      console.log(seed, (performance.now() - t).toFixed(0), r.steps, r.events, r.findings.slice(0, 3).join('\n'));
  }
}, 100000);
