import { EventStoreError } from './errors.js';
import type { EventStore } from './event-store.js';

/**
 * The same event store, but nothing is appended while `refusal` gives a reason: appends are then `unavailable`, and
 * nothing was written. Everything else goes through.
 */
export function guardedAppends(store: EventStore, refusal: () => string | null): EventStore {
  const refused = (): EventStoreError | null => {
    const reason = refusal();
    return reason === null ? null : new EventStoreError('unavailable', reason);
  };
  return {
    storeId: store.storeId,
    appendBytesMax: store.appendBytesMax,
    appendEventsMax: store.appendEventsMax,
    readEventsMax: store.readEventsMax,
    append: async (stream, events, expected) => {
      const failure = refused();
      if (failure !== null) throw failure;
      return store.append(stream, events, expected);
    },
    appendInOrder: async (entries) => {
      const failure = refused();
      return failure === null ? store.appendInOrder(entries) : { results: [], failure };
    },
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (options) => store.readAll(options),
    head: () => store.head(),
    subscribe: (options) => store.subscribe(options),
    loadSnapshot: (name) => store.loadSnapshot(name),
    saveSnapshot: (name, snapshot) => store.saveSnapshot(name, snapshot),
    loadCheckpoint: (consumer) => store.loadCheckpoint(consumer),
    saveCheckpoint: (consumer, position) => store.saveCheckpoint(consumer, position),
    close: () => store.close(),
  };
}
