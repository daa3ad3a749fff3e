/** What the module is given from outside, by the names under which Nest injects it. */
export const EVENT_STORE = Symbol('event store');
export const READ_MODEL = Symbol('read model');
export const CLOCK = Symbol('clock');
export const SCHEDULER = Symbol('scheduler');
export const TELEMETRY = Symbol('telemetry');
export const GIFT_APPLICATION = Symbol('gift application');
export const HTTP_LIMITS = Symbol('HTTP limits');
export const BOARD_UTC_OFFSET = Symbol('UTC offset of the boards');
export const READINESS = Symbol('readiness');

export interface HttpLimits {
  readonly bulkLinesMax: number;
}
