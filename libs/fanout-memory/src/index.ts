export * from './memory-fan-out.js';
