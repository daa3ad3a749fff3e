declare const brand: unique symbol;

/**
 * A place in the log: fixed-width decimal digits, opaque outside the event store's adapter.
 * Compare as strings (`<`, `>`); all positions of one store have one width. Positions may have gaps.
 */
export type Position = string & { readonly [brand]: 'Position' };

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && /^\d{16,40}$/.test(value);
}

/**
 * Before every position of every store, whatever its width (of two strings of which one begins with the other, the shorter
 * is less): where a consumer stands that has read nothing. No event is here, so it is never read after.
 */
export const LOG_START = '0'.repeat(16) as Position;

/** How far a consumer has read, and of which store. */
export interface Checkpoint {
  readonly storeId: string;
  readonly position: Position;
}
