import { EventStoreError } from './errors.js';
import type { EventStore } from './event-store.js';
import { forwardingStore } from './forwarding-store.js';

/**
 * The same event store, but nothing is appended while `refusal` gives a reason: appends are then `unavailable`, and
 * nothing was written. Everything else goes through.
 */
export function guardedAppends(store: EventStore, refusal: () => string | null): EventStore {
  const refused = (): EventStoreError | null => {
    const reason = refusal();
    return reason === null ? null : new EventStoreError('unavailable', reason);
  };
  return forwardingStore(store, {
    append: async (stream, events, expected) => {
      const failure = refused();
      if (failure !== null) throw failure;
      return store.append(stream, events, expected);
    },
    appendInOrder: async (entries) => {
      const failure = refused();
      return failure === null ? store.appendInOrder(entries) : { results: [], failure };
    },
  });
}
