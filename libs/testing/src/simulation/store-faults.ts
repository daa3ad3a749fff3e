import type { SeededRandom } from './seeded-random.js';

/** How likely what goes wrong is, each per call, and how long things take. All of it is allowed by the port. */
export interface StoreFaults {
  /** Most calls take this long, there and back each. */
  readonly latencyMsMax: number;
  /** Some take up to `slowMsMax`. */
  readonly slow: number;
  readonly slowMsMax: number;
  /** Refused, nothing written. */
  readonly unavailable: number;
  readonly overloaded: number;
  /** Answered `append-outcome-unknown`; the append is made (before or after that answer), or is not. */
  readonly outcomeUnknown: number;
  /** Never answered; an append may have been made. */
  readonly noAnswer: number;
  /** A subscription breaks off with `unavailable`. */
  readonly subscriptionBreaks: number;
  /** Batches of a subscription are cut shorter than asked for. */
  readonly shortBatches: number;
  /** A snapshot or checkpoint stays in memory this long before it is durable; a crash before that loses it. */
  readonly volatileMsMax: number;
}

export const NO_STORE_FAULTS: StoreFaults = {
  latencyMsMax: 2,
  slow: 0,
  slowMsMax: 0,
  unavailable: 0,
  overloaded: 0,
  outcomeUnknown: 0,
  noAnswer: 0,
  subscriptionBreaks: 0,
  shortBatches: 0,
  volatileMsMax: 5,
};

/** Delays and reordering only: nothing that the contract suite's promises do not allow for without a retry. */
export const SLOW_STORE: StoreFaults = {
  ...NO_STORE_FAULTS,
  slow: 0.2,
  slowMsMax: 40,
  shortBatches: 0.3,
  volatileMsMax: 0,
};

/** Faults of a strength drawn from the seed; a share of the runs has few or none of a kind. */
export function drawStoreFaults(random: SeededRandom): StoreFaults {
  const some = (most: number): number => (random.chance(0.35) ? 0 : random.between(0, most));
  return {
    latencyMsMax: random.between(0.2, 6),
    slow: some(0.1),
    slowMsMax: random.between(20, 400),
    unavailable: some(0.04),
    overloaded: some(0.03),
    outcomeUnknown: some(0.08),
    noAnswer: some(0.002),
    subscriptionBreaks: some(0.08),
    shortBatches: some(0.5),
    volatileMsMax: random.between(1, 500),
  };
}

export type AppendFate =
  'answered' | 'unavailable' | 'overloaded' | 'unknown-made' | 'unknown-lost' | 'silent-made' | 'silent-lost';

export function drawAppendFate(random: SeededRandom, faults: StoreFaults): AppendFate {
  if (random.chance(faults.unavailable)) return 'unavailable';
  if (random.chance(faults.overloaded)) return 'overloaded';
  if (random.chance(faults.outcomeUnknown)) return random.chance(0.6) ? 'unknown-made' : 'unknown-lost';
  if (random.chance(faults.noAnswer)) return random.chance(0.5) ? 'silent-made' : 'silent-lost';
  return 'answered';
}

export function drawLatencyMs(random: SeededRandom, faults: StoreFaults): number {
  return random.chance(faults.slow) ? random.between(0, faults.slowMsMax) : random.between(0.05, faults.latencyMsMax);
}
