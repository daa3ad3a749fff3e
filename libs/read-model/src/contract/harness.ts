import type { ReadModel } from '../read-model.js';

/** A read model technology under test. */
export interface ReadModelHarness {
  /** An empty read model that no other case sees, fresh: not marked built. */
  open(options: { readonly utcOffset: string; readonly retentionMs: number | null }): Promise<ReadModel>;
  /**
   * Keeps the state of now and answers a function that puts it back, as a failover to a replica that lags does. Absent
   * where the technology cannot lose what it has answered.
   */
  remember?(model: ReadModel): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
