import type { Position, RecordedEvent } from '@livegift/kernel';
import { partitionsOf, type ReadModelBatch, type ReadModelWrite } from '@livegift/read-model';
import { instantMs } from './instant-ms.js';
import { project } from './project.js';

export interface BatchSpan {
  readonly storeId: string;
  /**
   * Of each partition, how far it has got; its batch leaves out what is not newer. One for each partition: undefined for
   * one that gets no batch.
   */
  readonly from: readonly From[];
  /** How far the subscription has looked: where every partition goes, also those without a write. */
  readonly to: Position;
  /** What the wall clock says: no gift counts as recorded later. */
  readonly nowMs: number;
}

type From = Position | null | undefined;

/** Cuts what a subscription brought into one batch per partition that is not at `to` yet. */
export function batchesOf(events: readonly RecordedEvent[], { storeId, from, to, nowMs }: BatchSpan): ReadModelBatch[] {
  const writes: ReadModelWrite[][] = from.map(() => []);
  const newest: (number | null)[] = from.map(() => null);
  const furthest = furthestOf(from);
  // Nearly always all partitions stand at the same place; and from the first event that is new to all, all are.
  let isNewToAll = false;
  for (const event of events) {
    isNewToAll ||= isNewer(event.position, furthest);
    let hasScored = false;
    for (const write of project(event)) {
      for (const partition of partitionsOf(write, from.length)) {
        const start = from[partition];
        if (start !== undefined && (isNewToAll || isNewer(event.position, start))) writes[partition]!.push(write);
      }
      hasScored ||= write.kind === 'gift-scored';
    }
    if (!hasScored) continue;
    const recordedMs = Math.min(instantMs(event.metadata.recordedAt), nowMs);
    raise(newest, recordedMs, isNewToAll ? null : event.position, from);
  }
  return from.flatMap((start, partition) =>
    start !== undefined && isNewer(to, start)
      ? [{ partition, storeId, from: start, to, newestRecordedMs: newest[partition]!, writes: writes[partition]! }]
      : [],
  );
}

/** Every partition learns when every gift was recorded, so that all cut at the same place. */
function raise(newest: (number | null)[], recordedMs: number, position: Position | null, from: readonly From[]): void {
  for (let partition = 0; partition < newest.length; partition++) {
    const known = newest[partition]!;
    if (known !== null && known >= recordedMs) continue;
    const start = from[partition];
    if (position === null || (start !== undefined && isNewer(position, start))) newest[partition] = recordedMs;
  }
}

function furthestOf(from: readonly From[]): Position | null {
  let furthest: Position | null = null;
  for (const position of from)
    if (position !== null && position !== undefined && isNewer(position, furthest)) furthest = position;
  return furthest;
}

function isNewer(position: Position, than: Position | null): boolean {
  return than === null || position > than;
}
