export * from './backoff.js';
export * from './consumer.js';
