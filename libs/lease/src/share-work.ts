import type { Clock, Scheduler, Telemetry } from '@livegift/kernel';
import type { Leases } from './leases.js';
import { allOfTheWork, type SharedWork } from './shared-work.js';

export interface SharedWorkParts {
  readonly leases: Leases;
  /** Processes that do the same work: `publisher`, `projector`, … */
  readonly group: string;
  readonly partCount: number;
  /** Of this process, since this start: nobody else has it. */
  readonly holder: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly options?: Partial<SharedWorkOptions>;
}

export interface SharedWorkOptions {
  /** So long after its last renewal a process counts as dead, and the others take its parts. */
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** A process that holds nothing takes everything when the lease service was away for so long. */
  readonly withoutLeasesMsMax: number;
}

export const SHARED_WORK_DEFAULTS: SharedWorkOptions = {
  leaseMs: 9_000,
  renewEveryMs: 3_000,
  withoutLeasesMsMax: 30_000,
};

/** Fair share by leases with expiry and renewal. */
export function shareWork(parts: SharedWorkParts): SharedWork {
  return allOfTheWork(parts.partCount);
}
