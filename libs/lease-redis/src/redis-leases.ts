import type { Telemetry } from '@livegift/kernel';
import type { Leases } from '@livegift/lease';

export interface RedisLeasesOptions {
  /** `redis://[user:pass@]host:port[,host:port…][/db]` or `rediss://…`, of a single Redis or of any node of a cluster. */
  readonly url: string;
  readonly telemetry: Telemetry;
  /** Default `livegift:lease:`; the group follows. */
  readonly keyPrefix?: string;
}

/** Leases in Redis, single or Cluster; it connects when first used. */
export function openRedisLeases(_options: RedisLeasesOptions): Leases {
  throw new Error('not yet');
}
