import type { WindowName } from './boards.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const MONDAY_SHIFT_DAYS = 3;

/** A period of a window: `startsAtMs` inclusive, `endsAtMs` the start of the next. Both null for `all`. */
export interface Period {
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
}

/** Shortest first. */
export const WINDOWS: readonly WindowName[] = ['hour', 'day', 'week', 'month', 'all'];

/** A period is behind the retention when it ended at or before the cut; `all` never is. Null: nothing is cut. */
export function isExpired(period: Period, cutMs: number | null): boolean {
  return cutMs !== null && period.endsAtMs !== null && period.endsAtMs <= cutMs;
}

/** `+05:30` as milliseconds. @throws RangeError when it is not an offset from -12:00 to +14:00 */
export function parseUtcOffset(text: string): number {
  const match = /^([+-])(\d{2}):([0-5]\d)$/.exec(text);
  const minutes = match === null ? Number.NaN : Number(match[2]) * 60 + Number(match[3]);
  const signed = match?.[1] === '-' ? -minutes : minutes;
  if (!(signed >= -720 && signed <= 840)) throw new RangeError('must be an offset like +00:00, from -12:00 to +14:00');
  return signed * 60_000;
}

/** The period of `window` that holds the instant `atMs`, in a deployment whose clock stands `utcOffsetMs` from UTC. */
export function periodOf(window: WindowName, atMs: number, utcOffsetMs: number): Period {
  if (window === 'all') return { startsAtMs: null, endsAtMs: null };
  const local = atMs + utcOffsetMs;
  const [start, end] = localPeriod(window, local);
  return { startsAtMs: start - utcOffsetMs, endsAtMs: end - utcOffsetMs };
}

function localPeriod(window: Exclude<WindowName, 'all'>, local: number): readonly [number, number] {
  switch (window) {
    case 'hour': {
      const start = Math.floor(local / HOUR_MS) * HOUR_MS;
      return [start, start + HOUR_MS];
    }
    case 'day': {
      const start = Math.floor(local / DAY_MS) * DAY_MS;
      return [start, start + DAY_MS];
    }
    case 'week': {
      const day = Math.floor(local / DAY_MS);
      const start = (Math.floor((day + MONDAY_SHIFT_DAYS) / 7) * 7 - MONDAY_SHIFT_DAYS) * DAY_MS;
      return [start, start + 7 * DAY_MS];
    }
    case 'month': {
      const date = new Date(local);
      return [
        monthStart(date.getUTCFullYear(), date.getUTCMonth()),
        monthStart(date.getUTCFullYear(), date.getUTCMonth() + 1),
      ];
    }
  }
}

/** `Date.UTC` takes the years 0 to 99 for those of the last century. */
const monthStart = (year: number, month: number): number => new Date(0).setUTCFullYear(year, month, 1);
