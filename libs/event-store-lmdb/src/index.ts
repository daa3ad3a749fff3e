export { isDirectoryHeld } from './directory-lock.js';
export { LmdbEventStore, openLmdbEventStore, type LmdbEventStoreOptions } from './lmdb-event-store.js';
export { LmdbEventReader, openLmdbEventReader, type LmdbEventReaderOptions } from './lmdb-event-reader.js';
export type { VerifiedBlock } from './verify-log.js';
