export * from './leases.js';
export * from './share-work.js';
export * from './shared-work.js';
