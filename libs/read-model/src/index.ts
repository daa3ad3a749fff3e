export * from './boards.js';
export * from './dump.js';
export * from './partitions.js';
export * from './read-model.js';
export * from './rows.js';
export * from './windows.js';
export * from './writes.js';
