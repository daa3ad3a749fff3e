import type { Position, RecordedEvent } from '@livegift/kernel';
import { partitionsOf, type ReadModelBatch, type ReadModelWrite } from '@livegift/read-model';
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
}

type From = Position | null | undefined;

/** Cuts what a subscription brought into one batch per partition that is not at `to` yet. */
export function batchesOf(events: readonly RecordedEvent[], { storeId, from, to }: BatchSpan): ReadModelBatch[] {
  const writes: ReadModelWrite[][] = from.map(() => []);
  const newest: (number | null)[] = from.map(() => null);
  const furthest = furthestOf(from);
  // Nearly always all partitions stand at the same place; and from the first event that is new to all, all are.
  let isNewToAll = false;
  for (const event of events) {
    isNewToAll ||= isNewer(event.position, furthest);
    for (const write of project(event)) {
      for (const partition of partitionsOf(write, from.length)) {
        const start = from[partition];
        if (start !== undefined && (isNewToAll || isNewer(event.position, start))) writes[partition]!.push(write);
      }
      if (write.kind === 'gift-scored') raise(newest, write.occurredAtMs, isNewToAll ? null : event.position, from);
    }
  }
  return from.flatMap((start, partition) =>
    start !== undefined && isNewer(to, start)
      ? [{ partition, storeId, from: start, to, newestGiftMs: newest[partition]!, writes: writes[partition]! }]
      : [],
  );
}

/** Every partition hears of every gift's time, so that all cut at the same place. */
function raise(
  newest: (number | null)[],
  occurredAtMs: number,
  position: Position | null,
  from: readonly From[],
): void {
  for (let partition = 0; partition < newest.length; partition++) {
    const known = newest[partition]!;
    if (known !== null && known >= occurredAtMs) continue;
    const start = from[partition];
    if (position === null || (start !== undefined && isNewer(position, start))) newest[partition] = occurredAtMs;
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
