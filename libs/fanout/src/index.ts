export * from './fanout.js';
export * from './source-partition.js';
