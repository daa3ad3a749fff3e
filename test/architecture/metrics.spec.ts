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

const WATCHING = join(ROOT, 'infra/observability');
/** Metrics of ours in a rule, a dashboard or a document that no process exposes. */
function unknownIn(text: string): readonly string[] {
  const names = [...new Set(text.match(/livegift_[a-z_]+/g) ?? [])].map((name) => name.slice('livegift_'.length));
  return names.filter((name) => !(name in METRICS) && !(name.replace(/_(bucket|count|sum)$/, '') in METRICS));
}

describe('alerts and dashboard', () => {
  it.each(['alerts.yml', 'alerts.test.yml', 'dashboard.json', '../README.md'])(
    '%s names only metrics that exist',
    (file) => {
      const text = readFileSync(join(WATCHING, file), 'utf8');
      expect(text.match(/livegift_[a-z_]+/g)!.length).toBeGreaterThan(2);
      expect(unknownIn(text)).toEqual([]);
      expect(unknownIn('rate(livegift_gifts_lost_total[5m])')).toEqual(['gifts_lost_total']);
    },
  );

  it('the dashboard has panels with queries', () => {
    const { panels } = JSON.parse(readFileSync(join(WATCHING, 'dashboard.json'), 'utf8')) as {
      readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
    };
    expect(panels.length).toBeGreaterThan(10);
    for (const { title, targets } of panels)
      expect([title, targets.every(({ expr }) => expr !== '')]).toEqual([title, true]);
  });

  (hasPromtool ? it : it.skip)('the alert rules pass their tests in promtool', () => {
    const { stdout, stderr, status } = spawnSync('promtool', ['test', 'rules', 'alerts.test.yml'], {
      cwd: WATCHING,
      encoding: 'utf8',
    });
    expect({ said: `${stdout}${stderr}`, status }).toMatchObject({
      said: expect.stringContaining('SUCCESS'),
      status: 0,
    });
  });
});

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
