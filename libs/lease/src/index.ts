export * from './fair-share.js';
export * from './lease-table.js';
export * from './leases.js';
export * from './share-work.js';
export * from './shared-work.js';
export * from './sole-worker.js';
