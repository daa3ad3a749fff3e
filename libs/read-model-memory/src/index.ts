export { createMemoryReadModel, type MemoryReadModelOptions, type ReadModelInMemory } from './memory-read-model.js';
export { SNAPSHOT_FILE, type SnapshotOptions } from './snapshots.js';
