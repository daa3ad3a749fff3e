import type { Clocks, Ids, Scheduler, Telemetry } from '@livegift/kernel';
import type { EventStore } from '@livegift/event-store';
import { firstWithItsKey, type ClaimRule } from '@livegift/gift-api/purchases/purchase-completion';
import { Projector } from '@livegift/projector/projector';
import type { SharedWork } from '@livegift/lease';
import type { ReadModel } from '@livegift/read-model';
import { Settlement } from '@livegift/settlement/settlement';
import type { ApplyRule, OpenRule, SimulatedEventStore, SimulatedProcess } from '@livegift/testing';
import type { Scenario } from './scenario.js';

export interface WorkerParts {
  readonly store: EventStore;
  readonly work: SharedWork;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly bounds: Scenario['bounds'];
}

/** What a process is made of; a spec puts in one that is wrong, to see that it is found out. */
export interface Parts {
  store(store: SimulatedEventStore, process: SimulatedProcess): EventStore;
  settlement(parts: WorkerParts & { readonly ids: Ids }): Settlement;
  projector(parts: WorkerParts & { readonly readModel: ReadModel }): Projector;
  readonly claimRule: ClaimRule;
  readonly applyRule: ApplyRule | undefined;
  readonly openRule: OpenRule;
}

export const SOUND_PARTS: Parts = {
  store: (store) => store,
  settlement: ({ bounds, ...parts }) =>
    new Settlement({
      ...parts,
      options: {
        batchEventsMax: bounds.batchEventsMax,
        creatorsCachedMax: bounds.referencesCachedMax,
        checkpointEveryGifts: bounds.checkpointEveryGifts,
        backoff: { firstMs: 20, factor: 2, maxMs: 200 },
      },
    }),
  projector: ({ bounds, ...parts }) =>
    new Projector({
      ...parts,
      config: { batchEventsMax: bounds.batchEventsMax, backOffFirstMs: 20, backOffMaxMs: 200, lookEveryMs: 700 },
    }),
  claimRule: firstWithItsKey,
  applyRule: undefined,
  openRule: 'fence-then-read',
};
