import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  APP_KEYS,
  ENVIRONMENT_KEYS,
  KAFKA_ACCESS,
  keysOf,
  readAppEnvironment,
  type ClusterApp,
} from '@livegift/config';
import { deploymentFindings, type DeploymentRules } from './deployment-findings.js';
import {
  kustomizationAt,
  kustomizeFindings,
  manifestsOf,
  variablesIn,
  type DeploymentFile,
  type LocatedManifest,
  type Manifest,
} from './deployment-manifests.js';

const ROOT = join(__dirname, '../..');
const DEPLOY = join(ROOT, 'infra/deploy');
const WITHOUT_DEPLOYMENT = ['cli', 'standalone'];
const SCHEMA_CHECK_MS_MAX = 60_000;

const apps = readdirSync(join(ROOT, 'apps')).filter((name) => !WITHOUT_DEPLOYMENT.includes(name)) as ClusterApp[];
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };

// A filled-in servers.env is git's to ignore, and may lie there.
const files: readonly DeploymentFile[] = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'servers.env')
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: relative(DEPLOY, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }));
const textAt = (path: string): string => files.find((file) => file.path === path)!.text;
const manifests = manifestsOf(files);
const configuration = variablesIn(textAt('base/config.env'));
const servers = variablesIn(textAt('overlays/example/servers.env.example'));

const optionalSecretKeysOf = (app: string): readonly string[] =>
  KAFKA_ACCESS.filter((key) => keysOf(app as ClusterApp).includes(key));
const rules: DeploymentRules = {
  apps,
  secretKeysOf: (app) => APP_KEYS[app as ClusterApp].required,
  optionalSecretKeysOf,
  drainMsMax: Number(configuration['DRAIN_MS_MAX']),
  version,
  configMaps: kustomizationAt(files, 'base').configMapGenerator!.map(({ name }) => name),
};

function schemaFindings(documents: readonly Manifest[]): readonly (readonly string[])[] {
  const answer = execFileSync(process.execPath, [join(__dirname, 'deployment-schemas.mjs')], {
    input: JSON.stringify(documents),
    encoding: 'utf8',
    timeout: SCHEMA_CHECK_MS_MAX,
  });
  return JSON.parse(answer) as readonly (readonly string[])[];
}

/** All manifests, with a copy of the named one changed. */
function changed(kind: string, name: string, change: (manifest: Manifest) => void): readonly LocatedManifest[] {
  const isMeant = ({ manifest }: LocatedManifest): boolean =>
    manifest['kind'] === kind && manifest['metadata'].name === name;
  expect(manifests.some(isMeant)).toBe(true);
  return manifests.map((located) => {
    if (!isMeant(located)) return located;
    const manifest = structuredClone(located.manifest);
    change(manifest);
    return { ...located, manifest };
  });
}

const without = (kind: string, name: string): readonly LocatedManifest[] =>
  manifests.filter(({ manifest }) => manifest['kind'] !== kind || manifest['metadata'].name !== name);
const containerOf = (deployment: Manifest): Manifest => deployment['spec'].template.spec.containers[0];

describe('the Kubernetes manifests', () => {
  it(
    'fit the schemas of their kinds',
    () => {
      expect(manifests.length).toBeGreaterThan(25);
      const found = schemaFindings(manifests.map(({ manifest }) => manifest));
      expect(manifests.flatMap(({ path }, at) => found[at]!.map((finding) => `${path}: ${finding}`))).toEqual([]);
    },
    SCHEMA_CHECK_MS_MAX,
  );

  it(
    'would not fit them mistyped',
    () => {
      const { manifest } = manifests.find((located) => located.manifest['kind'] === 'Deployment')!;
      const plant = (change: (deployment: Manifest) => void): Manifest => {
        const copy = structuredClone(manifest);
        change(copy);
        return copy;
      };
      const planted = [
        plant((deployment) => (containerOf(deployment)['ports'][0].containerPort = '3000')),
        plant((deployment) => (containerOf(deployment)['livenesProbe'] = {})),
        plant((deployment) => delete deployment['spec'].selector),
        { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget' },
      ];
      expect(schemaFindings(planted)).toEqual([
        ['/spec/template/spec/containers/0/ports/0/containerPort type {"type":"integer"}'],
        ['/spec/template/spec/containers/0/livenesProbe is not in the schema'],
        ['/spec required {"missingProperty":"selector"}'],
        ['no schema for policy/v1beta1 PodDisruptionBudget: add it to deployment-schemas.mjs'],
      ]);
    },
    SCHEMA_CHECK_MS_MAX,
  );

  it('fit together, and every pod is bounded, watched and confined', () => {
    expect(deploymentFindings(manifests, rules)).toEqual([]);
  });

  const planted: readonly (readonly [finding: string, manifests: () => readonly LocatedManifest[]])[] = [
    ['publisher: has no PodDisruptionBudget', () => without('PodDisruptionBudget', 'publisher')],
    ['settlement: has no Service', () => without('Service', 'settlement')],
    [
      'gift-api: has no readinessProbe on one of its ports',
      () => changed('Deployment', 'gift-api', (it) => (containerOf(it)['readinessProbe'].httpGet.port = 'web')),
    ],
    [
      'gift-api: its livenessProbe does not ask /health/live',
      () =>
        changed('Deployment', 'gift-api', (it) => (containerOf(it)['livenessProbe'].httpGet.path = '/health/ready')),
    ],
    [
      'room-gateway: has no limit of memory',
      () => changed('Deployment', 'room-gateway', (it) => delete containerOf(it)['resources'].limits.memory),
    ],
    [
      'door: may write to its root file system',
      () => changed('Deployment', 'door', (it) => (containerOf(it)['securityContext'].readOnlyRootFilesystem = false)),
    ],
    [
      'settlement: may run as root',
      () => changed('Deployment', 'settlement', (it) => delete it['spec'].template.spec.securityContext.runAsUser),
    ],
    [
      'publisher: its command runs another app',
      () =>
        changed(
          'Deployment',
          'publisher',
          (it) => (containerOf(it)['command'] = ['node', 'apps/projector/dist/main.js']),
        ),
    ],
    [
      'settlement: it is given EVENTSTORE_URL and needs EVENTSTORE_URL, REDIS_URL',
      () => changed('Deployment', 'settlement', (it) => containerOf(it)['env'].pop()),
    ],
    [
      'room-gateway: it may be given KAFKA_TLS, KAFKA_SASL_MECHANISM, KAFKA_SASL_USER and takes ' +
        'KAFKA_TLS, KAFKA_SASL_MECHANISM, KAFKA_SASL_USER, KAFKA_SASL_PASSWORD',
      () => changed('Deployment', 'room-gateway', (it) => containerOf(it)['env'].pop()),
    ],
    [
      `projector: its image is not livegift:${version}`,
      () => changed('Deployment', 'projector', (it) => (containerOf(it)['image'] = 'livegift:0.0.1')),
    ],
    [
      'projector: is killed before it has drained: terminationGracePeriodSeconds',
      () => changed('Deployment', 'projector', (it) => (it['spec'].template.spec.terminationGracePeriodSeconds = 15)),
    ],
    [
      'gift-api: has both replicas and an autoscaler',
      () => changed('Deployment', 'gift-api', (it) => (it['spec'].replicas = 2)),
    ],
    [
      'publisher: its configuration comes from a ConfigMap that nobody generates',
      () => changed('Deployment', 'publisher', (it) => (containerOf(it)['envFrom'][0].configMapRef.name = 'livegift')),
    ],
    [
      'NetworkPolicy projector selects no pod',
      () =>
        changed('NetworkPolicy', 'projector', (it) => {
          it['spec'].podSelector.matchLabels['app.kubernetes.io/name'] = 'projectors';
        }),
    ],
    [
      'Ingress leads /v1 to gates, which is not there',
      () => changed('Ingress', 'livegift', (it) => (it['spec'].rules[0].http.paths[0].backend.service.name = 'gates')),
    ],
  ];

  it.each(planted)('%s', (finding, plant) => {
    expect(deploymentFindings(plant(), rules)).toEqual([finding]);
  });

  it('a pod whose labels nobody selects is found from every side', () => {
    const unlabelled = changed('Deployment', 'projector', (it) => {
      it['spec'].template.metadata.labels['app.kubernetes.io/name'] = 'projektor';
    });
    expect(deploymentFindings(unlabelled, rules)).toEqual([
      'NetworkPolicy projector selects no pod',
      'PodDisruptionBudget projector selects no pod',
      'Service projector selects no pod',
      'projector: has no PodDisruptionBudget',
      'projector: has no Service',
      "projector: its selector does not match its pods' labels",
    ]);
  });

  it('an app without a deployment is found', () => {
    expect(deploymentFindings(without('Deployment', 'projector'), rules)).toContain('projector has no Deployment');
  });

  it('a pod is closed but for what policies open', () => {
    const findings = deploymentFindings(without('NetworkPolicy', 'closed'), rules);
    expect(findings).toContain('settlement: no NetworkPolicy closes its Ingress');
    expect(findings).toContain('settlement: no NetworkPolicy closes its Egress');
  });
});

describe('the kustomizations', () => {
  it('name every file, and every file is there', () => {
    expect(kustomizeFindings(files)).toEqual([]);
  });

  it('would be found naming too much or too little', () => {
    const less = files.filter(({ path }) => path !== 'base/publisher.yaml');
    const committed = [...files, { path: 'overlays/example/servers.env', text: 'REDIS_URL=' }];
    const more = [...files, { path: 'base/forgotten.yaml', text: '' }];
    const unignored = files.map((file) => (file.path.endsWith('.gitignore') ? { ...file, text: '' } : file));
    expect(kustomizeFindings(less)).toEqual(['base/kustomization.yaml names base/publisher.yaml, which is not there']);
    expect(kustomizeFindings(more)).toEqual(['base/forgotten.yaml belongs to no kustomization']);
    expect(kustomizeFindings(committed)).toEqual([
      'overlays/example/servers.env holds secrets and must not be committed',
    ]);
    expect(kustomizeFindings(unignored)).toEqual(['overlays/example/servers.env is not ignored by git']);
  });

  it.each(apps)('give %s an environment that it takes', (app) => {
    const keys = [...APP_KEYS[app].required, ...optionalSecretKeysOf(app)];
    const secrets = Object.fromEntries(keys.map((key) => [key, servers[key]]));
    expect(Object.values(secrets)).not.toContain(undefined);
    expect(readAppEnvironment(app, { ...configuration, ...secrets })).toMatchObject({
      profile: 'cluster',
      host: '0.0.0.0',
      port: 3000,
    });
    expect(() => readAppEnvironment(app, { ...configuration, ...secrets, PORT: 'http' })).toThrow('PORT');
  });

  it('set nothing that no app reads', () => {
    const literals = kustomizationAt(files, 'overlays/example').configMapGenerator!.flatMap(
      ({ literals = [] }) => literals,
    );
    const set = Object.keys({ ...configuration, ...servers, ...variablesIn(literals.join('\n')) });
    expect(set.filter((key) => !(ENVIRONMENT_KEYS as readonly string[]).includes(key))).toEqual([]);
    expect(set.length).toBeGreaterThan(8);
  });
});
