export * from './backoff.js';
export * from './consumer.js';
export * from './consumer-report.js';
export * from './consumer-watch.js';
export * from './history-guard.js';
