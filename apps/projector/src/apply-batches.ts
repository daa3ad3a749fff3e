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

/** One batch for each partition, from where it stands. @throws ReadModelError `checkpoint-foreign` */
export async function applyTo(
  { partitions, events, to, mayRest }: ApplyOrder,
  {
    held,
    readModel,
    store,
    clock,
    telemetry,
  }: { held: HeldPartitions; readModel: ReadModel; store: EventReader; clock: Clock; telemetry: Telemetry },
): Promise<AppliedTo> {
  const span = { storeId: store.storeId, from: held.positionsOf(partitions), to, nowMs: clock.now() };
  const cut = batchesOf(events, span);
  const due = cut.filter((batch) => !(mayRest && batch.writes.length === 0 && held.rest(batch)));
  const batches = new Map(due.map((batch) => [batch.partition, held.caughtUpWith(batch)] as const));
  const { answers, failures } = await askEach([...batches.keys()], (partition) =>
    readModel.apply(batches.get(partition)!),
  );
  telemetry.count('projector_events_total', events.length);
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
