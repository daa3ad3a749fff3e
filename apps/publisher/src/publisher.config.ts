/** What a publisher can be told. Times in milliseconds. */
export interface PublisherConfig {
  /**
   * With no checkpoint in the fan-out: begin at events recorded so long ago, which is as far as the gateways' windows reach.
   * Null: at the beginning of the log, where what is published is kept for others too and nothing may be missing.
   */
  readonly windowMs: number | null;
  /** And look back over at most so many events of the log. */
  readonly windowEventsMax: number;
  readonly batchEventsMax: number;
  /** Of all source partitions together; when more wait to be published, nothing is read. */
  readonly queuedMessagesMax: number;
  /** Messages that become visible together. */
  readonly transactionMessagesMax: number;
  /**
   * Transactions of one source partition begin at least so far apart, unless there is plenty to publish: what gathers goes
   * together. 0: each begins when the last one is over.
   */
  readonly transactionEveryMs: number;
  /**
   * The share of its time that a source partition spends in transactions at the most, unless there is plenty to publish: on
   * a broker that is slow, or busy, there are fewer of them and each carries more. 1: no bound.
   */
  readonly transactionBusyMax: number;
  /** A source partition without messages still moves its checkpoint so often. */
  readonly checkpointEveryMs: number;
  readonly backOffMs: number;
  readonly backOffMsMax: number;
  /**
   * A source partition that another publisher has taken is left alone until it is given to this one again, and at the
   * latest for so long: the other one may have died.
   */
  readonly fencedWaitMs: number;
}

export const PUBLISHER_DEFAULTS: PublisherConfig = {
  windowMs: 900_000,
  windowEventsMax: 200_000,
  batchEventsMax: 1_000,
  queuedMessagesMax: 10_000,
  transactionMessagesMax: 2_000,
  transactionEveryMs: 0,
  transactionBusyMax: 1,
  checkpointEveryMs: 5_000,
  backOffMs: 100,
  backOffMsMax: 10_000,
  fencedWaitMs: 30_000,
};
