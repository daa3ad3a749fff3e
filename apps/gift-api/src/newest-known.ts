import type { EventStore } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';

const EVENTS_READ = 10;

/** What the newest event says about which `says` has something to say; null when none has. @throws EventStoreError */
export async function newestKnown<Value>(
  store: EventStore,
  stream: string,
  says: (event: RecordedEvent) => Value | null,
): Promise<Value | null> {
  let from: number | undefined;
  for (;;) {
    const events = await store.readStream(stream, { direction: 'backwards', limit: EVENTS_READ, from });
    for (const event of events) {
      const value = says(event);
      if (value !== null) return value;
    }
    from = (events.at(-1)?.revision ?? 0) - 1;
    if (from < 0) return null;
  }
}
