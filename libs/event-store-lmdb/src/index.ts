export { backUpEventStore, checkBackup, type BackupOptions } from './backup.js';
export { isBackup, type BackupManifest } from './backup.manifest.js';
export { isDirectoryHeld } from './directory-lock.js';
export { LmdbEventStore, openLmdbEventStore } from './lmdb-event-store.js';
export type { LmdbEventStoreOptions } from './lmdb-event-store.options.js';
export { LmdbEventReader, openLmdbEventReader, type LmdbEventReaderOptions } from './lmdb-event-reader.js';
export { restoreEventStore, type RestoredStore, type RestoreOptions } from './restore.js';
export type { VerifiedBlock } from './verify-log.js';
