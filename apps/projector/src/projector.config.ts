import type { EventReader } from '@livegift/event-store';
import type { Clocks, Position, Scheduler, Telemetry } from '@livegift/kernel';
import type { SharedWork } from '@livegift/lease';
import type { ReadModel } from '@livegift/read-model';

export interface ProjectorParts {
  readonly store: EventReader;
  readonly readModel: ReadModel;
  /** Which partitions are this projector's; started and stopped with it. Default: all of them. */
  readonly work?: SharedWork;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config?: Partial<ProjectorConfig>;
}

export interface ProjectorConfig {
  /** Events in one batch of a subscription. */
  readonly batchEventsMax: number;
  /**
   * So many milliseconds after a batch that reached the end of the log the next one is taken, and what comes meanwhile goes
   * into it. Questions that wait for a position wait so much longer at most.
   */
  readonly pauseMs: number;
  /** Waits after failures double from the first to the last. */
  readonly backOffFirstMs: number;
  readonly backOffMaxMs: number;
  /**
   * Where there are several partitions, how long one may stand where it stands while nothing is written to it. An event
   * changes three or four of them; moving all with each would be most of the work. Questions that wait for a position wait
   * so much longer at most.
   */
  readonly restMsMax: number;
  /** How often it looks whether the read model still has what was applied: while nothing happens, nothing else tells. */
  readonly lookEveryMs: number;
}

export interface ProjectorState {
  /** `refused`: the read model belongs to another store, or lies beyond the end of this one; it has to be rebuilt. */
  readonly phase: 'stopped' | 'starting' | 'catching-up' | 'live' | 'waiting' | 'refused';
  /** Each partition that it holds has been as far as the log was when it took it: queries may be answered. */
  readonly ready: boolean;
  /** How far every partition that it holds has got. */
  readonly position: Position | null;
  /** How many partitions are its own now. */
  readonly partitions: number;
  /** And how many of them answer queries. */
  readonly built: number;
  /** Of the phases `waiting` and `refused`: why. */
  readonly reason: string | null;
}

export const PROJECTOR_DEFAULTS: ProjectorConfig = {
  batchEventsMax: 4_096,
  pauseMs: 0,
  backOffFirstMs: 50,
  backOffMaxMs: 5_000,
  restMsMax: 100,
  lookEveryMs: 5_000,
};
