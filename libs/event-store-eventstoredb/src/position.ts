import type { Position as ServerPosition } from '@eventstore/db-client';
import type { Position } from '@livegift/kernel';

const DIGITS = 20;

/** Commit and prepare, 20 digits each, so that positions compare as strings. */
export function positionOf({ commit, prepare }: ServerPosition): Position {
  return `${String(commit).padStart(DIGITS, '0')}${String(prepare).padStart(DIGITS, '0')}` as Position;
}

export function serverPosition(position: Position): ServerPosition {
  return { commit: BigInt(position.slice(0, DIGITS)), prepare: BigInt(position.slice(DIGITS)) };
}

/** Whether it can be one of this store's: those of other adapters have another width. */
export function isServerPosition(position: string): boolean {
  return position.length === 2 * DIGITS;
}

export function laterOf(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
