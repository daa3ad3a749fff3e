export * from './fanout.js';
