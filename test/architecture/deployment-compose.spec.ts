import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP_KEYS, ENVIRONMENT_KEYS, readAppEnvironment, type ClusterApp } from '@livegift/config';
import { composeFileFrom, composeFindings, type ComposeRules } from './deployment-compose.js';

const ROOT = join(__dirname, '../..');
const INFRA = join(ROOT, 'infra');
const WITHOUT_SERVICE = ['cli', 'standalone'];
const SERVER_KEYS = ['EVENTSTORE_URL', 'REDIS_URL', 'KAFKA_BROKERS'];

const text = readFileSync(join(INFRA, 'compose.yml'), 'utf8');
const compose = composeFileFrom(text);
const apps = readdirSync(join(ROOT, 'apps')).filter((name) => !WITHOUT_SERVICE.includes(name)) as ClusterApp[];
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
const rules: ComposeRules = { apps, version, writers: ['eventstore', 'kafka'] };

describe('compose.yml', () => {
  it('bounds, watches and confines every service, and publishes nothing beyond loopback', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['door', 'eventstore', 'kafka', 'redis', ...apps].sort());
    expect(composeFindings(compose, rules)).toEqual([]);
  });

  const planted: readonly (readonly [finding: string, find: string, put: string])[] = [
    ['settlement is not there', '\n  settlement:\n', '\n  x-settlement:\n'],
    ['redis: publishes 16379:6379 beyond loopback', '127.0.0.1:${REDIS_PORT_ON_HOST:-16379}:6379', '16379:6379'],
    [
      'kafka: has no health check',
      '    healthcheck:\n      test:\n        - CMD-SHELL',
      '    x-healthcheck:\n      test:\n        - X',
    ],
    ['redis: has no limits', 'memory: 1G } } }\n\n  kafka', 'pids: 9 } } }\n\n  kafka'],
    ['the volume redis-data is not used', "volumes: ['redis-data:/data']", "tmpfs: ['/data']"],
    ['redis: mounts redis, which is not declared', "'redis-data:/data']", "'redis-data:/data', 'redis:/logs']"],
    ['publisher: its command runs another app', 'apps/publisher/dist', 'apps/projector/dist'],
    ['door: may write to its root file system', 'read_only: true\n    tmpfs', 'read_only: false\n    tmpfs'],
    ['door: waits for gates, which is not there', '      room-gateway: { cond', '      gates: { cond'],
    [
      'door: does not wait until gift-api is healthy',
      'gift-api: { condition: service_healthy }',
      'gift-api: { condition: service_started }',
    ],
    ['projector: is published past the door', '  projector:\n', "  projector:\n    ports: ['127.0.0.1:3001:3000']\n"],
    ['kafka: runs an image whose version is not exact', 'apache/kafka:4.1.1', 'apache/kafka:latest'],
    ['redis: runs an image whose version is not exact', 'redis:7.4.6-alpine', 'redis:7.4-alpine'],
  ];

  it.each(planted)('%s', (finding, find, put) => {
    expect(text.split(find)).toHaveLength(2);
    const findings = composeFindings(composeFileFrom(text.replace(find, () => put)), rules);
    // A service by another name also lacks what only apps are asked for.
    expect(findings.filter((line) => !line.startsWith('x-'))).toEqual([finding]);
  });

  it('needs nothing to be set', () => {
    expect(() => composeFileFrom(text.replace('${LOG_LEVEL:-info}', '${LOG_LEVEL}'))).toThrow(
      '${LOG_LEVEL} has no default',
    );
  });

  it.each(apps)('gives %s an environment that it takes, and no server that it does not need', (app) => {
    const environment = compose.services[app]!.environment!;
    expect(readAppEnvironment(app, environment)).toMatchObject({ profile: 'cluster', host: '0.0.0.0', port: 3000 });
    expect(Object.keys(environment).filter((key) => !(ENVIRONMENT_KEYS as readonly string[]).includes(key))).toEqual(
      [],
    );
    expect(SERVER_KEYS.filter((key) => key in environment)).toEqual(APP_KEYS[app].required);
    for (const key of APP_KEYS[app].required) {
      expect(() => readAppEnvironment(app, { ...environment, [key]: undefined })).toThrow(key);
    }
  });

  it('has every app wait for the servers that it is given', () => {
    const serverOf: Record<string, string> = {
      EVENTSTORE_URL: 'eventstore',
      REDIS_URL: 'redis',
      KAFKA_BROKERS: 'kafka',
    };
    for (const app of apps) {
      const awaited = Object.keys(compose.services[app]!.depends_on!);
      expect(awaited).toEqual(APP_KEYS[app].required.map((key) => serverOf[key]));
    }
  });

  it('keeps Redis from forgetting and Kafka from inventing topics', () => {
    const redis = compose.services['redis']!.command!.join(' ');
    expect(redis).toContain('--appendonly yes');
    expect(redis).toContain('--maxmemory-policy noeviction');
    expect(compose.services['kafka']!.environment).toMatchObject({
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    });
  });
});

describe('the door', () => {
  const routes = readFileSync(join(INFRA, 'deploy/base/door.conf.template'), 'utf8');
  const leads = [...routes.matchAll(/location (~ )?(\S+) \{\s+proxy_pass http:\/\/\$(\w+);/g)];
  /** As nginx chooses: the first expression that fits, else the prefix. */
  const leadsTo = (path: string): string | undefined =>
    (leads.find(([, isExpression, pattern]) => isExpression && new RegExp(pattern!).test(path)) ??
      leads.find(([, isExpression, prefix]) => !isExpression && path.startsWith(prefix!)))?.[3];

  it.each([
    ['/v1/rooms/evening/live', 'room_gateway'],
    ['/v1/rooms/evening.2-b_c/events', 'room_gateway'],
    ['/v1/rooms/evening', 'gift_api'],
    ['/v1/rooms/evening/gifts', 'gift_api'],
    ['/v1/rooms/live', 'gift_api'],
    ['/v1/events', 'gift_api'],
    ['/v1/rooms/evening/live/more', 'gift_api'],
    ['/docs', 'gift_api'],
    ['/health/ready', 'gift_api'],
  ])('leads %s to %s', (path, app) => {
    expect(leadsTo(path)).toBe(app);
  });

  it('lets streams through as they come, and WebSockets', () => {
    expect(routes).toMatch(/^ {2}proxy_buffering off;$/m);
    expect(routes).toMatch(/^ {2}proxy_read_timeout 1h;$/m);
    expect(routes).toMatch(/^ {2}proxy_set_header Upgrade \$http_upgrade;$/m);
    expect(routes).toMatch(/^ {2}proxy_http_version 1\.1;$/m);
  });

  it('is the same file in compose and in Kubernetes, and its variables are set', () => {
    const { volumes, environment } = compose.services['door']!;
    const mounted = volumes!.map((volume) => volume.split(':')[0]!);
    expect(mounted).toEqual(['./deploy/base/door.conf.template']);
    const asked = new Set<string>(
      [...routes.replaceAll(/^\s*#.*$/gm, '').matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!),
    );
    expect([...asked].sort()).toEqual(['GIFT_API', 'NGINX_LOCAL_RESOLVERS', 'ROOM_GATEWAY']);
    expect(Object.keys(environment!).sort()).toEqual(['GIFT_API', 'NGINX_ENTRYPOINT_LOCAL_RESOLVERS', 'ROOM_GATEWAY']);
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(INFRA, 'docker/Dockerfile'), 'utf8');
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');

  it('runs as somebody, by number, on a Node that package.json takes', () => {
    const lines = dockerfile.split('\n');
    expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER 1000:1000']);
    expect(lines).toContain('STOPSIGNAL SIGTERM');
    const [base, ...others] = lines.flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
    expect(base).toMatch(/^node:22\.(1[2-9]|[2-9]\d)\.\d+-bookworm-slim(@sha256:[0-9a-f]{64})?$/);
    expect(others.filter((from) => from !== 'node')).toEqual([]);
    expect(dockerfile).toContain('infra/docker/health.mjs", "/health/live"');
  });

  it('listens where the environment says, and keeps its data on a volume that its user owns', () => {
    const settings = /^ENV (.*)$/m
      .exec(dockerfile)![1]!
      .split(' ')
      .map((setting) => setting.split('=')[0]);
    expect(settings).toEqual(expect.arrayContaining(['HOST', 'PORT', 'DATA_DIR']));
    const lines = dockerfile.split('\n');
    expect(lines.indexOf('VOLUME /data')).toBeGreaterThan(lines.indexOf('RUN mkdir /data && chown 1000:1000 /data'));
    expect(/DATA_DIR=(\S+)/.exec(dockerfile)![1]).toBe('/data');
  });

  it('is built with every workspace and replacement that the lock file links to', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly link?: boolean; readonly resolved?: string }>>;
    };
    const linked = Object.values(packages).flatMap(({ link, resolved }) => (link === true ? [resolved!] : []));
    const named = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const isNamed = (path: string): boolean => named.some((name) => path === name || path.startsWith(`${name}/`));
    expect(linked.length).toBeGreaterThan(20);
    expect(linked.filter((path) => !isNamed(path))).toEqual([]);
  });

  it('is built from what is named, and what is named is there', () => {
    const [first] = ignored.filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
    const named = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(named).not.toContain('test');
    expect(ignored).toContain('**/.env*');
  });
});
