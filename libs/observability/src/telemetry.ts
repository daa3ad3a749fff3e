import type { MetricLabels, Telemetry } from '@livegift/kernel';
import { pino, type DestinationStream, type Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { RegisteredMetrics } from './registered-metrics.js';

/** Gauges that end in _total, against the rules of Prometheus; each has a sibling that says the same by type. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];
const NO_LABELS: MetricLabels = {};

/** Never written to a log: who pays with what, and what people say. */
const REDACTED_FIELDS = ['authorization', 'cookie', 'idempotencyKey', 'paymentId', 'sender', 'avatarUrl'];
/** An error has a message too, and that one is wanted. */
const REDACTED_PATHS = [
  ...REDACTED_FIELDS.flatMap((field) => [field, `*.${field}`]),
  'message',
  'body.message',
  'data.message',
];

export interface TelemetryOptions {
  /** A pino level; `silent` writes nothing. */
  readonly level: string;
  /** Written into each line as `app`. */
  readonly app: string;
  /** Also the process's own metrics (memory, event loop, collections). One part of a process asks for them. */
  readonly processMetrics?: boolean;
  /** Default: standard error, so that what a program says on standard output stays its own. */
  readonly destination?: DestinationStream;
}

/** The kernel's telemetry over pino and prom-client, and what an HTTP server gives out of it. */
export interface ProcessTelemetry extends Telemetry {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  isDebugEnabled(): boolean;
  /** The metrics in Prometheus's text format. */
  metricsText(): Promise<string>;
  readonly metricsContentType: string;
  /** Waits until what was logged has been written. */
  flush(): void;
}

export function createTelemetry(options: TelemetryOptions): ProcessTelemetry {
  const log = createLogger(options);
  const registry = new Registry();
  if (options.processMetrics === true) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  const metrics = new RegisteredMetrics(registry, options.app);
  return {
    count: (name, by = 1, labels = NO_LABELS) => metrics.count(name, by, labels),
    gauge: (name, value, labels = NO_LABELS) => metrics.gauge(name, value, labels),
    observe: (name, seconds, labels = NO_LABELS) => metrics.observe(name, seconds, labels),
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
    isDebugEnabled: () => log.isLevelEnabled('debug'),
    metricsText: () => registry.metrics(),
    metricsContentType: registry.contentType,
    flush: () => log.flush(),
  };
}

function createLogger({ level, app, destination }: TelemetryOptions): Logger {
  return pino(
    {
      level,
      base: { app },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}
