import type { Position, RecordedEvent } from '@livegift/kernel';
import { partitionsOf, type ReadModelBatch, type ReadModelWrite } from '@livegift/read-model';
import { project } from './project.js';

export interface BatchSpan {
  readonly storeId: string;
  /** Of each partition, how far it has got; its batch leaves out what is not newer. One for each partition. */
  readonly from: readonly (Position | null)[];
  /** How far the subscription has looked: where every partition goes, also those without a write. */
  readonly to: Position;
}

/** Cuts what a subscription brought into one batch per partition that is not at `to` yet. */
export function batchesOf(events: readonly RecordedEvent[], { storeId, from, to }: BatchSpan): ReadModelBatch[] {
  const writes: ReadModelWrite[][] = from.map(() => []);
  const newest: (number | null)[] = from.map(() => null);
  const furthest = furthestOf(from);
  for (const event of events) {
    // Nearly always all partitions stand at the same place, and nothing has to be compared for each.
    const isNewToAll = isNewer(event.position, furthest);
    for (const write of project(event)) {
      for (const partition of partitionsOf(write, from.length)) {
        if (isNewToAll || isNewer(event.position, from[partition]!)) writes[partition]!.push(write);
      }
      if (write.kind === 'gift-scored') raise(newest, write.occurredAtMs, isNewToAll ? null : event.position, from);
    }
  }
  return from.flatMap((start, partition) =>
    isNewer(to, start)
      ? [{ partition, storeId, from: start, to, newestGiftMs: newest[partition]!, writes: writes[partition]! }]
      : [],
  );
}

/** Every partition hears of every gift's time, so that all cut at the same place. */
function raise(
  newest: (number | null)[],
  occurredAtMs: number,
  position: Position | null,
  from: readonly (Position | null)[],
): void {
  for (let partition = 0; partition < newest.length; partition++) {
    const known = newest[partition]!;
    if (known !== null && known >= occurredAtMs) continue;
    if (position === null || isNewer(position, from[partition]!)) newest[partition] = occurredAtMs;
  }
}

function furthestOf(from: readonly (Position | null)[]): Position | null {
  let furthest: Position | null = null;
  for (const position of from) if (position !== null && isNewer(position, furthest)) furthest = position;
  return furthest;
}

function isNewer(position: Position, than: Position | null): boolean {
  return than === null || position > than;
}
