export {
  EventStoreDb,
  openEventStoreDb,
  type EventStoreDbLimits,
  type EventStoreDbOptions,
} from './eventstoredb-event-store.js';
