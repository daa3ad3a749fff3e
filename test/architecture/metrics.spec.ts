import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS, METRICS_APPS, type MetricDefinition } from '@livegift/kernel';
import { createTelemetry } from '@livegift/observability';

const ROOT = join(__dirname, '../..');
const DECLARED = Object.entries<MetricDefinition>(METRICS);
/** Of Debian's package `prometheus`. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** Every name that production code counts, sets or observes under; a choice between two counts as both. */
function usedNames(): ReadonlySet<string> {
  const names = ['libs', 'apps'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /(?<!\.spec)\.ts$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/[/\\](node_modules|dist)[/\\]/.test(path))
      .flatMap((path) => {
        const calls = readFileSync(path, 'utf8').matchAll(
          /(?:telemetry\.(?:count|gauge|observe)\(|#incomplete\()\s*([^,;)]*)/g,
        );
        return [...calls].flatMap(([, name]) => [...name!.matchAll(/'([a-z_]+)'/g)].map((match) => match[1]!));
      }),
  );
  return new Set(names);
}

describe('the metrics', () => {
  it('are all declared, and every declared one is used', () => {
    const used = usedNames();
    expect(used.size).toBeGreaterThan(50);
    expect([...used].filter((name) => !(name in METRICS))).toEqual([]);
    expect(DECLARED.map(([name]) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it.each(METRICS_APPS)('of %s exist from the start, counters at 0', async (app) => {
    const text = await createTelemetry({ level: 'silent', app, processMetrics: true }).metricsText();
    for (const [name, { in: apps }] of DECLARED) {
      const labels = apps[app];
      expect({ name, isThere: text.includes(`# TYPE livegift_${name} `) }).toEqual({
        name,
        isThere: labels !== undefined,
      });
      if (labels === undefined || !name.endsWith('_total')) continue;
      const first = Object.entries(labels).map(([label, values]) => `${label}="${values![0]!}"`);
      const series = `livegift_${name}${first.length === 0 ? '' : `{${first.join(',')}}`} 0`;
      expect(text.split('\n')).toContain(series);
    }
    expect(text).toContain('\nprocess_cpu_seconds_total ');
  });

  (hasPromtool ? it.each(METRICS_APPS) : it.skip.each(METRICS_APPS))(
    'of %s pass promtool check metrics',
    async (app) => {
      const telemetry = createTelemetry({ level: 'silent', app, processMetrics: true });
      telemetry.gauge('build_info', 1, { version: '1.0.0', app });
      const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
        input: await telemetry.metricsText(),
        encoding: 'utf8',
      });
      expect({ said: `${stdout}${stderr}`, status }).toEqual({ said: '', status: 0 });
    },
  );
});
