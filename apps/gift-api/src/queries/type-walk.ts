import type { EventStore } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';

/** Events of one type often stand close together, so a walk reads some at a time rather than each by itself. */
const READ_AHEAD_EVENTS = 32;

export interface TypePage {
  /** Newest first. */
  readonly events: readonly RecordedEvent[];
  /** Where the next page starts; null at the end. */
  readonly nextRevision: number | null;
}

/**
 * The newest events of one type in a stream, from the one at `revision` back along `previousOfType`. Reads a bounded
 * number of events, however long the stream is. Null when the event there is not of the type.
 */
export async function walkType(
  store: EventStore,
  stream: string,
  type: string,
  revision: number | null,
  limit: number,
): Promise<TypePage | null> {
  const events: RecordedEvent[] = [];
  let next = revision;
  let page: readonly RecordedEvent[] = [];
  while (next !== null && events.length < limit) {
    const wanted: number = next;
    let event = page.find((read) => read.revision === wanted);
    if (event === undefined) {
      page = await store.readStream(stream, { from: wanted, direction: 'backwards', limit: READ_AHEAD_EVENTS });
      event = page.find((read) => read.revision === wanted);
    }
    if (event === undefined || event.type !== type) return null;
    events.push(event);
    next = event.metadata.previousOfType ?? null;
  }
  return { events, nextRevision: next };
}
