import { streamCommandsDefaults } from '@livegift/command-handling';
import { CREATOR_SHARE_BPS_DEFAULT } from '@livegift/kernel';

/** Every bound and period of the commands, by name. */
export interface GiftApplicationConfig {
  /** Gifts of one viewer no further apart than this go on with a streak. */
  readonly streakWindowMs: number;
  readonly creatorShareBps: number;
  /** Rooms and catalogue are at most this old when a gift is decided. */
  readonly referenceStalenessMs: number;
  readonly referencesCachedMax: number;
  readonly conflictRetriesMax: number;
  /** Commands that are decided on one state and appended together. */
  readonly walletBatchMax: number;
  readonly walletsCachedMax: number;
  /** Remembered keys in the cache, over all wallets. */
  readonly keysCachedMax: number;
  /** Waiting commands: of one stream, and over all. */
  readonly queueLengthMax: number;
  readonly queuedTotalMax: number;
  readonly snapshotEveryEvents: number;
  /** A claim that is older than this and has no coins yet is finished by the finisher. */
  readonly finisherDelayMs: number;
  readonly finisherPendingMax: number;
  /** Lines of imported history whose wallets are held together. */
  readonly importChunkLines: number;
  /** And so many of them are claimed while as many before them go into their wallets. */
  readonly importSliceLines: number;
}

/** Bounds of command handling are those of its library. */
export const giftApplicationDefaults: GiftApplicationConfig = {
  streakWindowMs: 3_000,
  creatorShareBps: CREATOR_SHARE_BPS_DEFAULT,
  referenceStalenessMs: 1_000,
  referencesCachedMax: 50_000,
  conflictRetriesMax: streamCommandsDefaults.conflictRetriesMax,
  walletBatchMax: streamCommandsDefaults.batchMax,
  walletsCachedMax: streamCommandsDefaults.streamsCachedMax,
  keysCachedMax: streamCommandsDefaults.keysCachedMax,
  queueLengthMax: streamCommandsDefaults.queueLengthMax,
  queuedTotalMax: streamCommandsDefaults.queuedTotalMax,
  snapshotEveryEvents: streamCommandsDefaults.snapshotEveryEvents,
  finisherDelayMs: 5_000,
  finisherPendingMax: 10_000,
  importChunkLines: 500,
  importSliceLines: 500,
};
