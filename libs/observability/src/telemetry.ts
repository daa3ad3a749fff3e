import type { Telemetry } from '@livegift/kernel';
import { pino, type DestinationStream, type Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const METRIC_PREFIX = 'livegift_';
/** From a tenth of a millisecond to ten seconds. */
const SECONDS_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** Names come from code, so reaching this means that one is being made of data. */
const METRICS_MAX = 500;

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
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  const counters = metricsOf(log, (name) => new Counter({ ...described(name), registers: [registry] }));
  const gauges = metricsOf(log, (name) => new Gauge({ ...described(name), registers: [registry] }));
  const histograms = metricsOf(
    log,
    (name) => new Histogram({ ...described(name), buckets: SECONDS_BUCKETS, registers: [registry] }),
  );
  return {
    count: (name, by = 1) => counters(name)?.inc(by),
    gauge: (name, value) => gauges(name)?.set(value),
    observe: (name, seconds) => histograms(name)?.observe(seconds),
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

const described = (name: string): { name: string; help: string } => ({
  name: METRIC_PREFIX + name,
  help: name.replaceAll('_', ' '),
});

/** Metrics by name, each made when first used. */
function metricsOf<Metric>(log: Logger, make: (name: string) => Metric): (name: string) => Metric | undefined {
  const made = new Map<string, Metric>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    if (made.size >= METRICS_MAX) {
      log.error({ metric: name }, 'too many metrics: this one is not kept');
      return undefined;
    }
    const metric = make(name);
    made.set(name, metric);
    return metric;
  };
}
