/** How long to wait after a failure: `firstMs`, then `factor` times as long after each further one, at most `maxMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

export const BACKOFF_DEFAULT: Backoff = { firstMs: 50, factor: 2, maxMs: 5_000 };

/** @param failures how many there were before this one, in a row */
export function backoffDelayMs(backoff: Backoff, failures: number): number {
  return Math.min(backoff.firstMs * backoff.factor ** failures, backoff.maxMs);
}
