export * from './append-rules.js';
export * from './errors.js';
export * from './event-store.js';
export * from './forwarding-store.js';
export * from './restored.js';
export * from './guarded-appends.js';
export * from './newest-recorded-at.js';
