export * from './answers.js';
export * from './bodies.js';
export * from './frames.js';
export * from './query-answers.js';
