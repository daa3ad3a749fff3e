export * from './app-environment.js';
export { checkConfig, type ConfigCheck } from './check-config.js';
export * from './configuration-error.js';
export { ENGINE_VERSION } from './engine-version.js';
export * from './environment.js';
