export * from './command-ticket.js';
export { KEY_REUSED } from './decided-batch.js';
export * from './lanes.js';
export * from './loaded-stream.js';
export * from './outcome.js';
export * from './remembered-keys.js';
export * from './store-failures.js';
export * from './stream-commands.js';
export * from './stream-shelf.js';
