/** What the module is given from outside, by the names under which Nest injects it. */
export const CLOCK = Symbol('clock');
export const TELEMETRY = Symbol('telemetry');
export const HTTP_LIMITS = Symbol('HTTP limits');
export const STREAM_LIMITS_TOKEN = Symbol('limits of streams');
export const HISTORY_SPELLING = Symbol('spelling of the history');
export const READINESS = Symbol('readiness');

export interface HttpLimits {
  readonly bulkLinesMax: number;
}
