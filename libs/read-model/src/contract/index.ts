export type { ReadModelHarness } from './harness.js';
export { applySpan, dumpOf, MadeLog, positionAt, seeded, STORE_ID } from './made-log.js';
export { describeReadModelContract } from './read-model.contract.js';
