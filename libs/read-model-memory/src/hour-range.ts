/** Hours from `start` inclusive to `end` exclusive, counted from 1970 in the deployment's offset. */
export interface HourRange {
  readonly start: number;
  readonly end: number;
}

export const ALL_HOURS: HourRange = { start: -Infinity, end: Infinity };
