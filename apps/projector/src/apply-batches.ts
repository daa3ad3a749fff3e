import type { EventReader } from '@livegift/event-store';
import type { Clock, Position, RecordedEvent, Telemetry } from '@livegift/kernel';
import { batchesOf } from '@livegift/projections';
import type { ReadModel } from '@livegift/read-model';
import { askEach, isBehind, type HeldPartitions } from './held-partitions.js';

export interface AppliedTo {
  /** Were answered, and do not stand at `to` now. */
  readonly behind: readonly number[];
  /** Of these nobody knows, each with why. */
  readonly failures: ReadonlyMap<number, unknown>;
  /** Some that nothing was written to stand where they stood. */
  readonly resting: boolean;
}

export interface ApplyOrder {
  readonly partitions: readonly number[];
  readonly events: readonly RecordedEvent[];
  /** How far the log was read. */
  readonly to: Position;
  /** Whether partitions without a write may stay where they are for now. */
  readonly mayRest: boolean;
}

/** Counts each event once, when it is applied, however often a partition that failed has to read it again. */
export class AppliedEvents {
  #through: Position | null = null;
  #recordedAt: string | null = null;

  constructor(private readonly telemetry: Telemetry) {}

  /** When the newest of them was recorded, milliseconds; null before any. */
  get newestRecordedAtMs(): number | null {
    return this.#recordedAt === null ? null : Date.parse(this.#recordedAt);
  }

  count(events: readonly RecordedEvent[], through: Position): void {
    const before = this.#through;
    const fresh = before === null ? events : events.filter(({ position }) => position > before);
    if (fresh.length > 0) this.telemetry.count('projector_events_total', fresh.length);
    this.#recordedAt = fresh.at(-1)?.metadata.recordedAt ?? this.#recordedAt;
    if (isBehind(before, through)) this.#through = through;
  }
}

/** One batch for each partition, from where it stands. @throws ReadModelError `checkpoint-foreign` */
export async function applyTo(
  { partitions, events, to, mayRest }: ApplyOrder,
  {
    held,
    readModel,
    store,
    clock,
    telemetry,
    applied,
  }: {
    readonly held: HeldPartitions;
    readonly readModel: ReadModel;
    readonly store: EventReader;
    readonly clock: Clock;
    readonly telemetry: Telemetry;
    readonly applied: AppliedEvents;
  },
): Promise<AppliedTo> {
  const span = { storeId: store.storeId, from: held.positionsOf(partitions), to, nowMs: clock.now() };
  const cut = batchesOf(events, span);
  const due = cut.filter((batch) => !(mayRest && batch.writes.length === 0 && held.rest(batch)));
  const batches = new Map(due.map((batch) => [batch.partition, held.caughtUpWith(batch)] as const));
  const { answers, failures } = await askEach([...batches.keys()], (partition) =>
    readModel.apply(batches.get(partition)!),
  );
  // When all partitions failed, nothing was applied: the events will be read again.
  if (batches.size === 0 || failures.size < batches.size) {
    const oldest = events[0];
    if (oldest !== undefined && held.areBuilt) {
      const delayMs = Math.max(0, clock.now() - Date.parse(oldest.metadata.recordedAt));
      telemetry.observe('projection_delay_seconds', delayMs / 1_000);
    }
    applied.count(events, to);
  }
  const behind: number[] = [];
  for (const [partition, result] of answers) {
    if (result.applied) {
      held.moved(partition, to);
      continue;
    }
    telemetry.count('projector_batches_refused_total');
    held.stored(partition, result.checkpoint);
    if (isBehind(held.positionOf(partition), to)) behind.push(partition);
  }
  return { behind, failures, resting: due.length < cut.length };
}
