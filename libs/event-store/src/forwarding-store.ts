import type { EventStore } from './event-store.js';

/** The same event store, with some of its calls replaced. */
export function forwardingStore(store: EventStore, replaced: Partial<EventStore>): EventStore {
  return {
    storeId: store.storeId,
    appendBytesMax: store.appendBytesMax,
    appendEventsMax: store.appendEventsMax,
    readEventsMax: store.readEventsMax,
    append: (stream, events, expected) => store.append(stream, events, expected),
    appendInOrder: (entries) => store.appendInOrder(entries),
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (options) => store.readAll(options),
    head: () => store.head(),
    subscribe: (options) => store.subscribe(options),
    loadSnapshot: (name) => store.loadSnapshot(name),
    saveSnapshot: (name, snapshot) => store.saveSnapshot(name, snapshot),
    loadCheckpoint: (consumer) => store.loadCheckpoint(consumer),
    saveCheckpoint: (consumer, position) => store.saveCheckpoint(consumer, position),
    close: () => store.close(),
    ...replaced,
  };
}
