import type { NewEvent } from '@livegift/kernel';

/** Node has it since 20; the ES2023 library does not know it yet. */
type MaybeIllFormed = string & { isWellFormed(): boolean };

/** One UTF-16 unit is at most `\u0000` in JSON. */
const JSON_BYTES_PER_UNIT_MAX = 6;
const DEPTH_MAX = 64;
const NOT_PLAIN = Number.NaN;

/**
 * At most how many bytes `value` takes as JSON, or NaN when JSON would change it (undefined, -0, dates, `toJSON`, lone
 * surrogates, deep nesting). One cheap walk instead of a `JSON.stringify` of every event.
 */
export function jsonBytesBound(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return (value as MaybeIllFormed).isWellFormed() ? value.length * JSON_BYTES_PER_UNIT_MAX + 2 : NOT_PLAIN;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? 25 : NOT_PLAIN;
    case 'boolean':
      return 5;
    case 'object':
      if (value === null) return 4;
      if (depth === DEPTH_MAX) return NOT_PLAIN;
      return Array.isArray(value) ? boundOfArray(value, depth) : boundOfObject(value, depth);
    default:
      return NOT_PLAIN;
  }
}

function boundOfArray(items: readonly unknown[], depth: number): number {
  let bytes = 2;
  for (let i = 0; i < items.length; i++) bytes += jsonBytesBound(items[i], depth + 1) + 1;
  return bytes;
}

function boundOfObject(value: object, depth: number): number {
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return NOT_PLAIN;
  let bytes = 2;
  for (const name in value) {
    // msgpackr renames this one, to be safe.
    if (name === '__proto__' || !(name as MaybeIllFormed).isWellFormed()) return NOT_PLAIN;
    bytes +=
      name.length * JSON_BYTES_PER_UNIT_MAX + 4 + jsonBytesBound((value as Record<string, unknown>)[name], depth + 1);
  }
  return bytes;
}

/** The size that the port's `appendBytesMax` speaks of, exactly. */
export function jsonBytes(event: NewEvent): number {
  return Buffer.byteLength(JSON.stringify(event.data) ?? '') + Buffer.byteLength(JSON.stringify(event.metadata));
}

/** What JSON makes of an event. */
export function asJson(event: NewEvent): NewEvent {
  return JSON.parse(JSON.stringify(event)) as NewEvent;
}
