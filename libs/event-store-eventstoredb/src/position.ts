import type { Position as ServerPosition } from '@eventstore/db-client';
import type { Position } from '@livegift/kernel';

const DIGITS = 20;
/** What servers put where they mean no position. */
export const NO_POSITION = 0xffff_ffff_ffff_ffffn;

/** Commit and prepare, 20 digits each, so that positions compare as strings. */
export function positionOf({ commit, prepare }: ServerPosition): Position {
  return `${String(commit).padStart(DIGITS, '0')}${String(prepare).padStart(DIGITS, '0')}` as Position;
}

export function serverPosition(position: Position): ServerPosition {
  return { commit: BigInt(position.slice(0, DIGITS)), prepare: BigInt(position.slice(DIGITS)) };
}

/**
 * What a subscription's checkpoint vouches for: all that stands before it, not what stands there. Servers differ: before
 * kurrent-io/KurrentDB#4023 they name, as they go live, an event that they bring only then. Null where it says nothing: one
 * that has found nothing since the beginning names the end of all positions, before kurrent-io/KurrentDB#4892.
 */
export function passedBy({ commit, prepare }: ServerPosition): Position | null {
  if (commit === NO_POSITION || prepare === NO_POSITION) return null;
  if (prepare < commit) return positionOf({ commit, prepare });
  return prepare === 0n ? null : positionOf({ commit, prepare: prepare - 1n });
}

/** Whether it can be one of this store's: those of other adapters have another width. */
export function isServerPosition(position: string): boolean {
  return position.length === 2 * DIGITS;
}

export function laterOf(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
