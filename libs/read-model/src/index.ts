export * from './boards.js';
export * from './partitions.js';
export * from './read-model.js';
export * from './windows.js';
export * from './writes.js';
