export * from './redis-leases.js';
