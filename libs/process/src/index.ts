export { asksFor } from './accepted-types.js';
export { OriginPolicy, type OriginRules } from './origin-policy.js';
export { runAppProcess, type ProcessEdge, type RunningApp } from './app-process.js';
export { ClockWatch, type ClockSkew, type ClockWatchParts, type TimeReference } from './clock-watch.js';
export { AwaitedDependency, type Dependency } from './dependency.js';
export { DeploymentChoiceError, keepBoardUtcOffset, type DeploymentChoices } from './deployment-choice.js';
export { drainOnSignal, type Draining } from './draining.js';
export { fail, failOnUncaught } from './fatal.js';
export { NestLog } from './nest-log.js';
export { startOperationsServer, type OperationsServer, type OperationsServerOptions } from './operations-server.js';
export { PUT_OFF_HEADERS, putOffStream, putsOffStream } from './put-off-stream.js';
export { systemClock, systemIds, systemScheduler, yieldToLoop } from './outside.js';
export { endWith, rawAnswer } from './final-answer.js';
export { HttpConnections, type HttpConnectionLimits, type HttpConnectionOptions } from './http-connections.js';
export { handOver, lastsWithReader, whenOver } from './http-exchange.js';
export { ambiguityOf } from './ambiguous-request.js';
export { addressOf } from './server-address.js';
export {
  checkReadiness,
  LIVENESS,
  optional,
  type CheckedPart,
  type Liveness,
  type Readiness,
  type ReadinessPart,
} from './readiness.js';
export { newestEventTime, redisTime } from './time-references.js';
export { ServerWatch, type WatchedServer } from './server-watch.js';
