export * from './answers.js';
export * from './async-api.js';
export * from './bodies.js';
export * from './closes.js';
export * from './frames.js';
export * from './problems.js';
export * from './query-answers.js';
export * from './field-errors.js';
