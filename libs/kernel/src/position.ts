declare const brand: unique symbol;

/**
 * A place in the log: fixed-width decimal digits, opaque outside the event store's adapter.
 * Compare as strings (`<`, `>`); all positions of one store have one width. Positions may have gaps.
 */
export type Position = string & { readonly [brand]: 'Position' };

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && /^\d{16,40}$/.test(value);
}

/** How far a consumer has read, and of which store. */
export interface Checkpoint {
  readonly storeId: string;
  readonly position: Position;
}
