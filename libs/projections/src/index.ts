export * from './batches-of.js';
export { project, PROJECTED_TYPES } from './project.js';
