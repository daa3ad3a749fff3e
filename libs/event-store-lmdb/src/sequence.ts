import type { Position } from '@livegift/kernel';

/** Here a position is the event's number in the log, from 1, in sixteen digits: all below 2^53. */
const DIGITS = 16;
const LOW_DIGITS = 4;
const LOW_COUNT = 10 ** LOW_DIGITS;
const LOW_PARTS = Array.from({ length: LOW_COUNT }, (_, low) => String(low).padStart(LOW_DIGITS, '0'));

let lastHigh = -1;
let lastHighPart = '';

/** Neighbours share all but their last digits, so those are made once: this runs for every event written or read. */
export function positionOf(sequence: number): Position {
  const high = Math.floor(sequence / LOW_COUNT);
  if (high !== lastHigh) {
    lastHigh = high;
    lastHighPart = String(high).padStart(DIGITS - LOW_DIGITS, '0');
  }
  return (lastHighPart + LOW_PARTS[sequence - high * LOW_COUNT]) as Position;
}

export function sequenceOf(position: Position): number {
  return Number(position);
}
