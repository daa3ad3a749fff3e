export { runAppProcess, type ProcessEdge, type RunningApp } from './app-process.js';
export { AwaitedDependency, type Dependency } from './dependency.js';
export { drainOnSignal, type Draining } from './draining.js';
export { fail, failOnUncaught } from './fatal.js';
export { NestLog } from './nest-log.js';
export { startOperationsServer, type OperationsServer, type OperationsServerOptions } from './operations-server.js';
export { systemClock, systemIds, systemScheduler, yieldToLoop } from './outside.js';
export { checkReadiness, type CheckedPart, type Readiness, type ReadinessPart } from './readiness.js';
