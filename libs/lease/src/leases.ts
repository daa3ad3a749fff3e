export type LeaseErrorCode =
  /** The lease service cannot be reached; of a replacement the outcome is not known: read again. */
  'unavailable';

export class LeaseError extends Error {
  override readonly name = 'LeaseError';

  constructor(
    readonly code: LeaseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface LeaseReading {
  /** What the group last agreed on; null: nothing, or so long ago that it was forgotten. */
  readonly document: string | null;
  /** By the service's clock, milliseconds since 1970: the one clock that all members of a group share. */
  readonly nowMs: number;
}

/** Longest document that a group may have, in characters. */
export const LEASE_DOCUMENT_LENGTH_MAX = 65_536;

/**
 * One small document for each group of processes, in which they agree on who works on what. Promises, each with a case in
 * `@livegift/lease/contract`:
 *
 * - A replacement happens only if the document is still, to the letter, the one that was expected: of two at once one wins.
 * - A document that nobody replaces for `keepMs` is forgotten; until then it is there, unless the service lost it.
 * - The time never goes backwards while the service stays up. Groups know nothing of each other.
 *
 * A service may lose its newest replacements, or everything: leases are for efficiency, and nothing else may rest on them.
 */
export interface Leases {
  /** @throws LeaseError `unavailable` (also after `close`) */
  read(group: string): Promise<LeaseReading>;
  /**
   * True when the document was replaced; false when it was not `expected` (null: none).
   * @throws LeaseError `unavailable`
   * @throws RangeError when it is longer than `LEASE_DOCUMENT_LENGTH_MAX`
   */
  replace(group: string, expected: string | null, document: string, keepMs: number): Promise<boolean>;
  close(): Promise<void>;
}
