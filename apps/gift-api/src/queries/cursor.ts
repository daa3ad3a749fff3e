import { fieldError } from '@livegift/contracts';
import { invalidRequest } from '../http/problem.js';

/** Cursors are opaque to callers: base64url of what the next page starts from, behind a letter that says what it is. */
export function cursorAt(kind: 'r' | 'g' | 'm', place: string | number): string {
  return Buffer.from(`${kind}${place}`).toString('base64url');
}

/** @throws ProblemError `invalid-request` when it is none of ours */
export function revisionOfCursor(cursor: string): number {
  const place = placeOf('r', cursor);
  if (!/^\d{1,15}$/.test(place)) throw badCursor();
  return Number(place);
}

/** @throws ProblemError `invalid-request` when it is none of ours */
export function giftOfCursor(cursor: string): string {
  return placeOf('g', cursor);
}

/** The read model's own cursor, whose inside is its affair. @throws ProblemError `invalid-request` when it is none of ours */
export function readModelCursorOf(cursor: string): string {
  return placeOf('m', cursor);
}

function placeOf(kind: string, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!text.startsWith(kind) || Buffer.from(text).toString('base64url') !== cursor) throw badCursor();
  return text.slice(1);
}

export const badCursor = (): Error => invalidRequest([fieldError('query.cursor', 'isCursor')]);
