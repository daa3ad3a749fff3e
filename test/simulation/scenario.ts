import type { SharedWorkOptions } from '@livegift/lease';
import type { SeededRandom, StoreFaults } from '@livegift/testing';
import { drawStoreFaults, NO_STORE_FAULTS } from '@livegift/testing';
import { drawWorkloadSize, type WorkloadSize } from './workload.js';

export type Role = 'api' | 'settlement' | 'projector' | 'publisher' | 'gateway';

const EVERY_ROLE: readonly Role[] = ['api', 'settlement', 'projector', 'publisher', 'gateway'];

/** One process: what runs in it, and how far its clock is off. */
export interface NodePlan {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly clockSkewMs: number;
}

/** Everything about a run that its seed decides beforehand. */
export interface Scenario {
  /** In one process the store, the read model and the fan-out die with it; else they are servers of their own. */
  readonly embedded: boolean;
  readonly nodes: readonly NodePlan[];
  readonly sharedReadModel: boolean;
  /** Of a shared read model. */
  readonly readModelPartitions: number;
  /** Leases say who works on what; null: by mistake everybody works on everything. */
  readonly leases: SharedWorkOptions | null;
  readonly faults: StoreFaults;
  readonly workload: WorkloadSize;
  /** Mean time between two disturbances (a crash, a restart, a store that is away); null: none. */
  readonly disturbanceEveryMs: number | null;
  readonly roomClients: number;
  /** Somebody else writes to creators' streams. */
  readonly payouts: boolean;
  readonly bounds: {
    readonly appendEventsMax: number;
    readonly snapshotEveryEvents: number;
    readonly walletBatchMax: number;
    readonly walletsCachedMax: number;
    readonly referencesCachedMax: number;
    readonly keysCachedMax: number;
    readonly referenceStalenessMs: number;
    readonly conflictRetriesMax: number;
    readonly importChunkLines: number;
    readonly importSliceLines: number;
    readonly finisherDelayMs: number;
    readonly batchEventsMax: number;
    readonly checkpointEveryGifts: number;
    readonly windowGiftsMax: number;
    readonly patienceMs: number;
  };
}

export function drawScenario(random: SeededRandom): Scenario {
  const embedded = random.chance(0.35);
  return {
    embedded,
    nodes: embedded ? [{ name: 'all', roles: EVERY_ROLE, clockSkewMs: 0 }] : drawNodes(random),
    sharedReadModel: !embedded && random.chance(0.75),
    readModelPartitions: random.pick([1, 2, 5]),
    leases: !embedded && random.chance(0.75) ? drawLeases(random) : null,
    faults: random.chance(0.1) ? NO_STORE_FAULTS : drawStoreFaults(random),
    workload: drawWorkloadSize(random),
    disturbanceEveryMs: random.chance(0.12) ? null : random.between(300, 4_000),
    roomClients: random.int(0, 3),
    payouts: random.chance(0.4),
    bounds: {
      appendEventsMax: random.pick([64, 200, 10_000]),
      snapshotEveryEvents: random.pick([2, 3, 7, 20, 500]),
      walletBatchMax: random.pick([1, 2, 5, 64]),
      walletsCachedMax: random.pick([1, 2, 100]),
      referencesCachedMax: random.pick([1, 2, 100]),
      keysCachedMax: random.pick([4, 20, 1_000]),
      referenceStalenessMs: random.pick([10, 200, 1_000]),
      conflictRetriesMax: random.pick([3, 10]),
      importChunkLines: random.pick([2, 500]),
      importSliceLines: random.pick([1, 3, 500]),
      finisherDelayMs: random.pick([100, 1_000, 5_000]),
      batchEventsMax: random.pick([1, 7, 1_000]),
      checkpointEveryGifts: random.pick([1, 5, 1_000]),
      windowGiftsMax: random.pick([3, 2_000]),
      patienceMs: random.between(300, 4_000),
    },
  };
}

function drawLeases(random: SeededRandom): SharedWorkOptions {
  const leaseMs = random.pick([600, 1_500, 6_000]);
  return { leaseMs, renewEveryMs: leaseMs / 3, withoutLeasesMsMax: random.pick([500, 2_000, 10_000]) };
}

/** Processes of a cluster: two of some role at once in most runs, each role somewhere. */
function drawNodes(random: SeededRandom): NodePlan[] {
  const plan = (name: string, roles: readonly Role[]): NodePlan => ({
    name,
    roles,
    clockSkewMs: random.chance(0.3) ? random.int(-3_000, 3_000) : 0,
  });
  if (random.chance(0.3)) return [plan('one', EVERY_ROLE), plan('two', EVERY_ROLE)];
  return EVERY_ROLE.flatMap((role) =>
    Array.from({ length: random.chance(0.5) ? 2 : 1 }, (_, index) => plan(`${role}-${index + 1}`, [role])),
  );
}
