export * from './configuration-error.js';
export * from './environment.js';
