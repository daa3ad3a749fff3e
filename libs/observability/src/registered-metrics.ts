import { METRICS, METRICS_APPS, type MetricDefinition, type MetricLabels, type MetricsApp } from '@livegift/kernel';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const METRIC_PREFIX = 'livegift_';
/** From half a millisecond to ten seconds. */
const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one process: those that `METRICS` declares for it exist from the start, counters at 0. */
export class RegisteredMetrics {
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor(
    private readonly registry: Registry,
    app: string,
  ) {
    const known = METRICS_APPS.find((name) => name === app) ?? 'standalone';
    for (const [name, definition] of Object.entries<MetricDefinition>(METRICS)) {
      if (known in definition.in) this.#begin(name, definition, known);
    }
  }

  count(name: string, by: number, labels: MetricLabels): void {
    const counter = this.#counters.get(name) ?? this.#madeLate(name, 'counter', this.#counters);
    counter.inc(labels, by);
  }

  gauge(name: string, value: number | null, labels: MetricLabels): void {
    const gauge = this.#gauges.get(name) ?? this.#madeLate(name, 'gauge', this.#gauges);
    if (value === null) gauge.remove(labels);
    else gauge.set(labels, value);
  }

  observe(name: string, seconds: number, labels: MetricLabels): void {
    const histogram = this.#histograms.get(name) ?? this.#madeLate(name, 'histogram', this.#histograms);
    histogram.observe(labels, seconds);
  }

  /** Used by a process that does not declare it: kept all the same, so that nothing is lost. */
  #madeLate<Metric>(name: string, kind: MetricDefinition['kind'], made: ReadonlyMap<string, Metric>): Metric {
    this.#make(name, definitionOf(name, kind));
    return made.get(name)!;
  }

  #begin(name: string, definition: MetricDefinition, app: MetricsApp): void {
    this.#make(name, definition);
    if (definition.kind === 'histogram') return;
    const made = definition.kind === 'counter' ? this.#counters.get(name)! : this.#gauges.get(name)!;
    for (const labels of combinations(definition.in[app]!)) made.inc(labels, 0);
  }

  #make(name: string, { kind, help, in: apps }: MetricDefinition): void {
    const labelNames = [...new Set(Object.values(apps).flatMap((labels) => Object.keys(labels)))];
    const described = { name: METRIC_PREFIX + name, help, labelNames, registers: [this.registry] };
    if (kind === 'counter') this.#counters.set(name, new Counter(described));
    else if (kind === 'gauge') this.#gauges.set(name, new Gauge(described));
    else this.#histograms.set(name, new Histogram({ ...described, buckets: SECONDS_BUCKETS }));
  }
}

/** One that is not declared is kept under its kind and name; a check of the sources names it. */
function definitionOf(name: string, kind: MetricDefinition['kind']): MetricDefinition {
  return (METRICS as Readonly<Record<string, MetricDefinition>>)[name] ?? { kind, help: name, in: {} };
}

/** Every combination of the values; none where the values of a label only come later. */
function combinations(labels: Readonly<Record<string, readonly string[] | null>>): readonly MetricLabels[] {
  let all: readonly MetricLabels[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (values === null) return [];
    all = all.flatMap((begun) => values.map((value) => ({ ...begun, [label]: value })));
  }
  return all;
}
