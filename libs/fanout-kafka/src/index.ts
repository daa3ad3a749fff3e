export * from './kafka-fan-out.js';
