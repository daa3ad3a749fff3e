import type { ReadModel } from '../read-model.js';
import { describeBoards } from './boards.contract.js';
import { describeCheckpoints } from './checkpoint.contract.js';
import type { ReadModelHarness } from './harness.js';
import { describeRows } from './rows.contract.js';

/** Every promise of `ReadModel`, one case or more each. An adapter's whole spec is a call of this. */
export function describeReadModelContract(name: string, openHarness: () => Promise<ReadModelHarness>): void {
  describe(`read model contract: ${name}`, () => {
    let harness: ReadModelHarness;
    const opened: ReadModel[] = [];

    beforeAll(async () => {
      harness = await openHarness();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((model) => model.close()));
    });
    afterAll(() => harness.close());

    const open = async (options: { readonly utcOffset?: string; readonly retentionMs?: number } = {}) => {
      const model = await harness.open({
        utcOffset: options.utcOffset ?? '+00:00',
        retentionMs: options.retentionMs ?? null,
      });
      opened.push(model);
      return { model, harness };
    };

    describe('checkpoints', () => describeCheckpoints(open));
    describe('rows', () => describeRows(open));
    describe('boards', () => describeBoards(open));
  });
}
