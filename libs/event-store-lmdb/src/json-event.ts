import type { NewEvent } from '@livegift/kernel';

type Contents = Pick<NewEvent, 'data' | 'metadata'>;

/** The size that the port's `appendBytesMax` speaks of, exactly. */
export function jsonBytes({ data, metadata }: Contents): number {
  return Buffer.byteLength(JSON.stringify(data) ?? '') + Buffer.byteLength(JSON.stringify(metadata));
}

/** What JSON makes of an event's contents: no undefined, no -0, dates as text. */
export function asJson({ data, metadata }: Contents): Contents {
  return JSON.parse(JSON.stringify({ data, metadata })) as Contents;
}
