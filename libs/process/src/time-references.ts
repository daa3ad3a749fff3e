import type { TimeReference } from './clock-watch.js';

/** A group of its own: nobody agrees on anything there, its reading only says the time. */
const LEASE_GROUP = 'clock';

/** The clock that all processes of a cluster can ask. */
export function redisTime(leases: { read(group: string): Promise<{ readonly nowMs: number }> }): TimeReference {
  return { name: 'redis', kind: 'clock', nowMs: async () => (await leases.read(LEASE_GROUP)).nowMs };
}

/** A process that is behind it would record later events at earlier times. */
export function newestEventTime(newestRecordedAtMs: () => Promise<number | null>): TimeReference {
  return { name: "the event store's newest event", kind: 'past', nowMs: newestRecordedAtMs };
}
