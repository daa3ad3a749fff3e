import { EXACT_VERSION } from './deployment-compose.js';
import type { LocatedManifest, Manifest } from './deployment-manifests.js';

const PRE_STOP_SECONDS = 5;

/** What the manifests are held against. */
export interface DeploymentRules {
  /** Every one needs a deployment that runs its main. */
  readonly apps: readonly string[];
  /** Which keys of the Secret with the servers' addresses an app needs. */
  readonly secretKeysOf: (app: string) => readonly string[];
  /** Which it takes besides where they are there: these and no others. */
  readonly optionalSecretKeysOf: (app: string) => readonly string[];
  readonly drainMsMax: number;
  readonly version: string;
  /** ConfigMaps that kustomize generates. */
  readonly configMaps: readonly string[];
}

/** What is wrong with how the manifests fit together, and with what every pod must have. */
export function deploymentFindings(manifests: readonly LocatedManifest[], rules: DeploymentRules): readonly string[] {
  const all = manifests.map(({ manifest }) => manifest);
  const ofKind = (kind: string): readonly Manifest[] => all.filter((manifest) => manifest['kind'] === kind);
  const deployments = ofKind('Deployment');
  const missing = rules.apps
    .filter((app) => !deployments.some((deployment) => nameOf(deployment) === app))
    .map((app) => `${app} has no Deployment`);
  return [
    ...missing,
    ...deployments.flatMap((deployment) => [
      ...ofOne(deployment, rules),
      ...companionFindings(deployment, ofKind),
      ...(rules.apps.includes(nameOf(deployment)) ? appFindings(deployment, rules) : []),
    ]),
    ...selectorFindings(ofKind, deployments),
  ].sort();
}

const nameOf = (manifest: Manifest): string => manifest['metadata'].name as string;
const podOf = (deployment: Manifest): Manifest => deployment['spec'].template;

function selects(selector: Manifest | undefined, pod: Manifest): boolean {
  const labels = (pod['metadata']?.labels ?? {}) as Record<string, string>;
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}

/** Holds for every pod, the door's too. */
function ofOne(deployment: Manifest, { drainMsMax }: DeploymentRules): readonly string[] {
  const name = nameOf(deployment);
  const findings: string[] = [];
  const must = (holds: unknown, rule: string): void => void (holds === true || findings.push(`${name}: ${rule}`));
  const pod = podOf(deployment);
  const spec = pod['spec'];
  must(selects(deployment['spec'].selector?.matchLabels, pod), "its selector does not match its pods' labels");
  must(spec.securityContext?.runAsNonRoot === true && spec.securityContext.runAsUser > 0, 'may run as root');
  must(spec.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'has no seccomp profile');
  must(spec.automountServiceAccountToken === false, 'mounts a token that it does not need');
  must(Array.isArray(spec.topologySpreadConstraints), 'may stand on one node');
  must(
    spec.terminationGracePeriodSeconds > PRE_STOP_SECONDS + drainMsMax / 1_000,
    'is killed before it has drained: terminationGracePeriodSeconds',
  );
  for (const container of spec.containers as readonly Manifest[]) {
    const { securityContext: security, resources } = container as { securityContext?: Manifest; resources?: Manifest };
    must(security?.['readOnlyRootFilesystem'] === true, 'may write to its root file system');
    must(security?.['allowPrivilegeEscalation'] === false, 'may gain privileges');
    must(security?.['capabilities']?.drop?.includes('ALL') === true, 'keeps capabilities');
    for (const resource of ['cpu', 'memory']) {
      must(resources?.['requests']?.[resource] !== undefined, `requests no ${resource}`);
      must(resources?.['limits']?.[resource] !== undefined, `has no limit of ${resource}`);
    }
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const port = container[probe]?.httpGet?.port ?? container[probe]?.tcpSocket?.port;
      must(
        (container['ports'] as readonly Manifest[] | undefined)?.some((known) => known['name'] === port),
        `has no ${probe} on one of its ports`,
      );
    }
    must(container['lifecycle']?.preStop !== undefined, 'stops while it is still being sent requests: preStop');
    must(EXACT_VERSION.test(container['image'] as string), 'runs an image whose version is not exact');
  }
  return findings;
}

/** Holds for our own apps. */
function appFindings(deployment: Manifest, rules: DeploymentRules): readonly string[] {
  const { secretKeysOf, optionalSecretKeysOf, version, configMaps } = rules;
  const name = nameOf(deployment);
  const findings: string[] = [];
  const must = (holds: boolean, rule: string): void => void (holds || findings.push(`${name}: ${rule}`));
  const [container] = podOf(deployment)['spec'].containers as readonly [Manifest];
  const env = (container['env'] ?? []) as readonly Manifest[];
  const refs = env.flatMap((entry) => (entry['valueFrom']?.secretKeyRef ?? []) as Manifest);
  const keysOf = (isOptional: boolean): readonly string[] =>
    refs.filter((ref) => (ref['optional'] === true) === isOptional).map((ref) => String(ref['key']));
  const [keys, optionalKeys] = [keysOf(false), keysOf(true)];
  must(container['command']?.at(-1) === `apps/${name}/dist/main.js`, 'its command runs another app');
  must(container['image'] === `livegift:${version}`, `its image is not livegift:${version}`);
  must(container['livenessProbe']?.httpGet?.path === '/health/live', 'its livenessProbe does not ask /health/live');
  must(container['readinessProbe']?.httpGet?.path === '/health/ready', 'its readinessProbe does not ask /health/ready');
  must(
    JSON.stringify(keys.toSorted()) === JSON.stringify([...secretKeysOf(name)].sort()),
    `it is given ${keys.join(', ')} and needs ${secretKeysOf(name).join(', ')}`,
  );
  must(
    JSON.stringify(optionalKeys.toSorted()) === JSON.stringify([...optionalSecretKeysOf(name)].sort()),
    `it may be given ${optionalKeys.join(', ')} and takes ${optionalSecretKeysOf(name).join(', ')}`,
  );
  must(
    env.every(
      (entry) =>
        entry['valueFrom']?.secretKeyRef === undefined || entry['name'] === entry['valueFrom'].secretKeyRef.key,
    ),
    'a variable is named otherwise than its key in the Secret',
  );
  const sources = (container['envFrom'] ?? []) as readonly Manifest[];
  must(
    sources.length > 0 && sources.every((source) => configMaps.includes(source['configMapRef']?.name as string)),
    'its configuration comes from a ConfigMap that nobody generates',
  );
  return findings;
}

/** A Service, a budget and policies for each deployment; an autoscaler or a number of replicas, not both. */
function companionFindings(deployment: Manifest, ofKind: (kind: string) => readonly Manifest[]): readonly string[] {
  const name = nameOf(deployment);
  const pod = podOf(deployment);
  const findings: string[] = [];
  const must = (holds: boolean, rule: string): void => void (holds || findings.push(`${name}: ${rule}`));
  must(
    ofKind('Service').some((service) => selects(service['spec'].selector, pod)),
    'has no Service',
  );
  must(
    ofKind('PodDisruptionBudget').some((budget) => selects(budget['spec'].selector?.matchLabels, pod)),
    'has no PodDisruptionBudget',
  );
  const policies = ofKind('NetworkPolicy').filter((policy) => selects(policy['spec'].podSelector?.matchLabels, pod));
  for (const direction of ['Ingress', 'Egress']) {
    must(
      policies.some(
        (policy) => policy['spec'].policyTypes?.includes(direction) && !policy['spec'][direction.toLowerCase()],
      ),
      `no NetworkPolicy closes its ${direction}`,
    );
  }
  const scaled = ofKind('HorizontalPodAutoscaler').some((scaler) => scaler['spec'].scaleTargetRef?.name === name);
  const least = scaled ? null : (deployment['spec'].replicas as number | undefined);
  must(!scaled || deployment['spec'].replicas === undefined, 'has both replicas and an autoscaler');
  must(least === null || (least ?? 1) > 1, 'is alone: a budget of one then lets no node drain, or stops it');
  return findings;
}

/** Whatever selects pods selects some, and whatever names a deployment or Service names one. */
function selectorFindings(
  ofKind: (kind: string) => readonly Manifest[],
  deployments: readonly Manifest[],
): readonly string[] {
  const pods = deployments.map(podOf);
  const lost = (kind: string, selectorOf: (manifest: Manifest) => Manifest | undefined): readonly string[] =>
    ofKind(kind)
      .filter((manifest) => !pods.some((pod) => selects(selectorOf(manifest), pod)))
      .map((manifest) => `${kind} ${nameOf(manifest)} selects no pod`);
  const unscaled = ofKind('HorizontalPodAutoscaler')
    .filter((scaler) => !deployments.some((deployment) => nameOf(deployment) === scaler['spec'].scaleTargetRef?.name))
    .map((scaler) => `HorizontalPodAutoscaler ${nameOf(scaler)} scales nothing`);
  const services = new Set(ofKind('Service').map(nameOf));
  const unrouted = ofKind('Ingress')
    .flatMap((ingress) => ingress['spec'].rules as readonly Manifest[])
    .flatMap((rule) => rule['http'].paths as readonly Manifest[])
    .filter((path) => !services.has(path['backend'].service.name as string))
    .map((path) => `Ingress leads ${path['path']} to ${path['backend'].service.name}, which is not there`);
  return [
    ...lost('Service', (service) => service['spec'].selector),
    ...lost('PodDisruptionBudget', (budget) => budget['spec'].selector?.matchLabels),
    ...lost('NetworkPolicy', (policy) => policy['spec'].podSelector?.matchLabels),
    ...unscaled,
    ...unrouted,
  ];
}
