/// <reference types="jest" />
import { describeAppends } from './appends.contract.js';
import { describeClosing, describeReaders } from './closing.contract.js';
import { describeFidelity } from './fidelity.contract.js';
import type { OpenEventStoreHarness } from './harness.js';
import { describeHistories } from './histories.contract.js';
import { describeAppendInOrder } from './in-order.contract.js';
import { describeKeptState } from './kept-state.contract.js';
import { describeReads } from './reads.contract.js';
import { describeSubscriptions } from './subscriptions.contract.js';

export type { EventStoreHarness, OpenEventStoreHarness } from './harness.js';

/** Every promise of the port, as cases: an adapter's whole spec. `open` is called once for each topic. */
export function describeEventStoreContract(name: string, open: OpenEventStoreHarness): void {
  // Servers and busy disks take their time; a case that hangs still ends.
  jest.setTimeout(30_000);
  describe(`event store contract: ${name}`, () => {
    describeAppends(open);
    describeAppendInOrder(open);
    describeReads(open);
    describeFidelity(open);
    describeSubscriptions(open);
    describeKeptState(open);
    describeClosing(open);
    describeReaders(open);
    describeHistories(open);
  });
}
