import type { Checkpoint } from '@livegift/kernel';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { applySpan, dumpOf, MadeLog, STORE_ID } from '@livegift/read-model/contract';

const HOUR_MS = 3_600_000;
const AT = Date.parse('2026-05-13T10:20:30.400Z');

type Random = (below: number) => number;

/** Wallets, rooms that open and close, and gifts with every kind of edge: late ones, without diamonds, renamed senders. */
export function randomLog(random: Random, events: number): MadeLog {
  const log = new MadeLog();
  for (let i = 0; i < events; i++) {
    const viewer = `v${random(40)}`;
    const room = random(8);
    const [roomId, creatorId] = [`room-${room}`, `creator-${room % 3}`];
    const kind = random(12);
    if (kind === 0) log.openRoom(roomId, creatorId);
    else if (kind === 1) log.closeRoom(roomId, creatorId);
    else if (kind === 2)
      log.event({ kind: 'row', table: 'wallet', id: viewer, set: { coins: i }, add: { spentCoins: 1 } });
    else {
      const late = random(4) === 0 ? random(60 * 24) * HOUR_MS : 0;
      log.gift(viewer, 1 + random(5), {
        roomId,
        creatorId,
        diamonds: 50 * random(4),
        occurredAtMs: AT + Math.floor(i / 50) * HOUR_MS - late - random(HOUR_MS),
        name: random(3) === 0 ? `${viewer} \u2728 ${random(3)}` : null,
      });
    }
  }
  return log;
}

export interface FoldOptions {
  readonly utcOffset: string;
  readonly retentionMs: number | null;
}

/** What every read model of this log must come to. */
export async function dumpInMemory(log: MadeLog, options: FoldOptions): Promise<string[]> {
  const memory = createMemoryReadModel(options);
  await applySpan(memory, 0, log, 0, log.entries.length);
  await memory.markBuilt(0, null);
  return dumpOf(memory);
}

/** How many entries of the log a partition has. */
function indexOf(log: MadeLog, checkpoint: Checkpoint | null): number {
  if (checkpoint === null) return 0;
  const index = log.entries.findIndex(({ position }) => position === checkpoint.position);
  if (index < 0) throw new Error(`checkpoint ${checkpoint.position} is none of the log's`);
  return index + 1;
}

/**
 * Brings one partition to entry `end` of the log, or further, as a projector does: from the stored checkpoint, by batches of
 * any size, again after whatever happens. `pause` is awaited after an error.
 */
export async function follow(
  model: ReadModel,
  partition: number,
  log: MadeLog,
  random: Random,
  pause: () => Promise<void>,
  end = log.entries.length,
): Promise<{ readonly unavailable: number; readonly fallenBack: number }> {
  const told = { unavailable: 0, fallenBack: 0 };
  for (let at: number | null = null; at === null || at < end;) {
    try {
      if (at === null) {
        at = indexOf(log, await model.checkpoint(partition));
        continue;
      }
      const to = Math.min(log.entries.length, at + 1 + random(40));
      const result = await applySpan(model, partition, log, at, to);
      if (result.applied) {
        at = to;
        continue;
      }
      const stored = indexOf(log, result.checkpoint);
      if (stored < at) told.fallenBack++;
      at = stored;
    } catch (error) {
      if (!(error instanceof ReadModelError) || error.code !== 'unavailable') throw error;
      told.unavailable++;
      at = null;
      await pause();
    }
  }
  return told;
}

/** False for each partition that has not reached the end of the log. */
export async function markAllBuilt(model: ReadModel, log: MadeLog): Promise<boolean[]> {
  const end = { storeId: STORE_ID, position: log.end };
  const partitions = Array.from({ length: model.partitionCount }, (_, partition) => partition);
  return Promise.all(partitions.map((partition) => model.markBuilt(partition, end)));
}
