export { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';
export { SNAPSHOT_FILE, type SnapshotOptions } from './snapshots.js';
