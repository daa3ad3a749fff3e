export {
  EventStoreDb,
  openEventStoreDb,
  openEventStoreDbReader,
  type EventStoreDbOptions,
} from './eventstoredb-event-store.js';
export type { EventStoreDbLimits } from './eventstoredb-limits.js';
export { isUnavailableForGood } from './server-errors.js';
