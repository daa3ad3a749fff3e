export { LmdbEventStore, openLmdbEventStore, type LmdbEventStoreOptions } from './lmdb-event-store.js';
