/** An RFC 3339 time in UTC (`Z`), as events and answers carry it. */
export type Instant = string;

const INSTANT = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/;

/** Milliseconds since 1970 of an RFC 3339 UTC time, or null when it is none (also for 30 February). */
export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text.slice(0, 10) ? null : ms;
}

export function instant(ms: number): Instant {
  return new Date(ms).toISOString();
}

/** Whether `a` is earlier than `b`. Without its `Z` a whole second sorts before its fractions. */
export function isEarlier(a: Instant, b: Instant): boolean {
  return a.slice(0, -1) < b.slice(0, -1);
}

/** `now`, or `last` if that is later. Both as `instant` writes them. */
export function notBefore(now: Instant, last: Instant | null): Instant {
  return last !== null && last > now ? last : now;
}

/** As boards say it: whole seconds without a fraction, as the history that people import has them. */
export function shortInstant(ms: number): Instant {
  return instant(ms).replace('.000Z', 'Z');
}
