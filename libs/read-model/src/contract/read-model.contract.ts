import type { ReadModel } from '../read-model.js';
import { describeBoards } from './boards.contract.js';
import { describeBuilding } from './building.contract.js';
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

    const openFresh = async (options: { readonly utcOffset?: string; readonly retentionMs?: number } = {}) => {
      const model = await harness.open({
        utcOffset: options.utcOffset ?? '+00:00',
        retentionMs: options.retentionMs ?? null,
      });
      opened.push(model);
      return { model, harness };
    };
    const open: typeof openFresh = async (options) => {
      const { model } = await openFresh(options);
      for (let partition = 0; partition < model.partitionCount; partition++) await model.markBuilt(partition, null);
      return { model, harness };
    };

    describe('checkpoints', () => describeCheckpoints(open));
    describe('being built', () => describeBuilding(openFresh));
    describe('rows', () => describeRows(open));
    describe('boards', () => describeBoards(open));
  });
}
