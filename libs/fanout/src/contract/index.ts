export * from './fanout.contract.js';
