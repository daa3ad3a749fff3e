import type { Checkpoint, Position } from '@livegift/kernel';
import { ReadModelError } from '@livegift/read-model';
import { CHECKPOINT_FIELDS } from './scripts.js';

/** What stands beside a partition's data. */
export interface Stored {
  readonly checkpoint: Checkpoint | null;
  readonly isBuilt: boolean;
  /** Its keys are being freed: nothing can be applied until they are. */
  readonly isDropping: boolean;
  readonly newestRecordedMs: number | null;
  /** Periods that ended then or before are behind the retention. */
  readonly cutMs: number | null;
  readonly layout: string | null;
}

export function storedOf(reply: unknown): Stored {
  const values = reply as readonly (string | null)[];
  const field = (name: (typeof CHECKPOINT_FIELDS)[number]): string | null =>
    values[CHECKPOINT_FIELDS.indexOf(name)] ?? null;
  const number = (text: string | null): number | null => (text === null ? null : Number(text));
  const position = field('position') as Position | null;
  return {
    checkpoint: position === null ? null : { storeId: field('storeId')!, position },
    isBuilt: field('built') !== null,
    isDropping: field('dropping') !== null,
    newestRecordedMs: number(field('newestRecordedMs')),
    cutMs: number(field('cutMs')),
    layout: field('layout'),
  };
}

export interface PartitionAnswer {
  readonly position: Position | null;
  /** One for each command. */
  readonly answers: readonly unknown[];
}

/** What a question may be answered from. @throws ReadModelError `rebuilding`, `unavailable` */
export function assertReadable({ isBuilt, layout }: Stored, ours: string): void {
  if (!isBuilt) throw rebuilding();
  if (layout !== null && layout !== ours) {
    throw new ReadModelError('unavailable', `the read model was built as "${layout}", and is asked as "${ours}"`);
  }
}

export const rebuilding = (): ReadModelError => new ReadModelError('rebuilding', 'the read model is being rebuilt');
