export { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';
export type { SnapshotOptions } from './snapshots.js';
