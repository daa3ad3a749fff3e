import type { Scheduler, Telemetry } from '@livegift/kernel';

export interface RedisReadModelOptions {
  /** Of any node: `redis://[user:password@]host:port[,host:port…][/db]`, `rediss://` for TLS. */
  readonly url: string;
  /** Raised with every change of what an event changes in the read model: each version has keys of its own, and is built anew. */
  readonly foldVersion: number;
  /** As `+05:30`; chosen once for a deployment. Default `+00:00`. */
  readonly utcOffset?: string;
  /** Periods that ended so long before the newest gift was recorded are freed and no longer answered; default: for ever. */
  readonly retentionMs?: number | null;
  /** Chosen once for a deployment. Default 64. */
  readonly partitionCount?: number;
  /** Begins every key, before the version. Default `livegift:`. */
  readonly keyPrefix?: string;
  readonly scheduler?: Scheduler;
  readonly telemetry?: Telemetry;
  /** An answer to a question that takes longer is `unavailable`. */
  readonly answerMsMax?: number;
  /** The same for a batch, whose script may stand behind those of the other partitions. */
  readonly applyMsMax?: number;
  /** How often a partition that somebody waits for is looked at. */
  readonly waitPollMs?: number;
  /** More that wait at once are `unavailable`. */
  readonly waitersMax?: number;
  /** Board places and rows kept in this process, so that a projector need not read what it wrote. */
  readonly keptEntriesMax?: number;
}

export const LIMITS_DEFAULT = {
  answerMsMax: 2_000,
  applyMsMax: 15_000,
  waitPollMs: 10,
  waitersMax: 10_000,
  keptEntriesMax: 200_000,
};
export type Limits = typeof LIMITS_DEFAULT;

/** What is not given, or undefined, is the default. */
export function limitsOf(options: RedisReadModelOptions): Limits {
  const given = Object.entries(options).filter(([name, value]) => name in LIMITS_DEFAULT && value !== undefined);
  return { ...LIMITS_DEFAULT, ...Object.fromEntries(given) };
}

export const PARTITION_COUNT_DEFAULT = 64;
export const KEY_PREFIX_DEFAULT = 'livegift:';

/**
 * Events that a projector should put into one batch: the script of the busiest partition then holds Redis for some
 * hundredths of a second. A batch is not split here: its rows do not say of which event they are.
 */
export const BATCH_EVENTS_ADVISED = 1_000;

/** Characters of all commands of one batch in one partition: beyond, it would hold Redis for seconds. */
export const APPLY_LENGTH_MAX = 64 * 1024 * 1024;

/** Expired boards that one batch frees; those that are left over wait for the next one, and are hidden already. */
export const EXPIRED_FREED_MAX = 64;

/** Keys that one call frees of a partition that is dropped. */
export const DROPPED_FREED_MAX = 512;
