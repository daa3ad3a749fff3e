export type { ReadModelHarness } from './harness.js';
export { describeReadModelContract } from './read-model.contract.js';
