export * from './batches-of.js';
export { project, PROJECTED_TYPES, PROJECTIONS_VERSION } from './project.js';
