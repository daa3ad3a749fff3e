export * from './event-store/in-memory-event-store.js';
