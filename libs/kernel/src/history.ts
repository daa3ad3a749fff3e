import { isPosition, type Position } from './position.js';

/**
 * A history is one run of events that is never taken back. Its id is the store's UUID and, once a backup has been
 * restored, `.` and the generation that the restore drew: 16 hexadecimal digits. Whatever names a history (checkpoints,
 * snapshots, frame epochs, `ce_source`) is foreign to every other one, also to the same store's before the restore.
 */
const HISTORY_ID = /^(.+?)(?:\.([0-9a-f]{16}))?$/s;
const GENERATION = /^[0-9a-f]{16}$/;
/** A position as clients see it: after a restore behind its generation. */
const SPELLED = /^(?:([0-9a-f]{16})-)?(.*)$/s;

export function isGeneration(value: unknown): value is string {
  return typeof value === 'string' && GENERATION.test(value);
}

export function historyIdOf(storeUuid: string, generation: string | null): string {
  return generation === null ? storeUuid : `${storeUuid}.${generation}`;
}

/** Null: nothing was ever restored. */
export function generationOf(historyId: string): string | null {
  return HISTORY_ID.exec(historyId)?.[2] ?? null;
}

export function storeUuidOf(historyId: string): string {
  return HISTORY_ID.exec(historyId)?.[1] ?? historyId;
}

/** Two histories of one store: one of them was restored from a backup of the other, or of a history before it. */
export function isSameStore(a: string, b: string): boolean {
  return storeUuidOf(a) === storeUuidOf(b);
}

/** The position as clients see it in this history. */
export function tellPosition(historyId: string, position: Position): string {
  const dot = historyId.lastIndexOf('.');
  return dot === -1 ? position : `${historyId.slice(dot + 1)}-${position}`;
}

/**
 * How positions and cursors are told to clients: as they are, or behind the generation. Those of one history compare as
 * strings; those of another are recognized.
 */
export class HistorySpelling {
  readonly generation: string | null;
  readonly #prefix: string;

  constructor(historyId: string) {
    this.generation = generationOf(historyId);
    this.#prefix = this.generation === null ? '' : `${this.generation}-`;
  }

  tell(text: string): string {
    return this.#prefix === '' ? text : this.#prefix + text;
  }

  /** What stands behind the generation; null when it was told in another history. */
  read(told: string): string | null {
    const [, generation = null, text = ''] = SPELLED.exec(told) ?? [];
    return generation === this.generation ? text : null;
  }

  readPosition(told: string): Position | 'malformed' | 'other-history' {
    const [, , text] = SPELLED.exec(told) ?? [];
    if (!isPosition(text)) return 'malformed';
    return this.read(told) === null ? 'other-history' : text;
  }
}
