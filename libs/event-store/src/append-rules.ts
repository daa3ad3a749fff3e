import type { NewEvent } from '@livegift/kernel';

/** A mistake of the caller, and nothing that a store could answer: every adapter asks this first. @throws TypeError */
export function assertAppendable(stream: string, events: readonly NewEvent[]): void {
  if (stream === '') throw new TypeError("a stream's name must not be empty");
  if (events.length === 0) throw new TypeError('an append has at least one event');
  for (const { type } of events) if (type === '') throw new TypeError("an event's type must not be empty");
}
