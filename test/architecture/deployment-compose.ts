import { parse } from 'yaml';

export interface ComposeService {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } } };
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** With every `${NAME:-default}` at its default, as for someone who sets nothing. Compose fills them in after parsing. */
export function composeFileFrom(text: string): ComposeFile {
  return withDefaults(parse(text, { merge: true })) as ComposeFile;
}

function withDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDefaults);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withDefaults(inner)]));
  }
  if (typeof value !== 'string') return value;
  const filled = value.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
  if (filled.includes('$')) throw new Error(`compose.yml: ${filled} has no default`);
  return filled;
}

export interface ComposeRules {
  readonly apps: readonly string[];
  readonly version: string;
  /** Their images write to their root file systems when they start. */
  readonly writers: readonly string[];
}

const LOOPBACK = '127.0.0.1:';
/** `:1.28` is moved with each patch, `:latest` with each release. */
export const EXACT_VERSION = /:\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/;

/** What is wrong with the services, each on a line. */
export function composeFindings(file: ComposeFile, { apps, version, writers }: ComposeRules): readonly string[] {
  const missing = apps.filter((app) => file.services[app] === undefined).map((app) => `${app} is not there`);
  const mounted = Object.values(file.services)
    .flatMap(({ volumes = [] }) => volumes)
    .map((volume) => volume.slice(0, volume.indexOf(':')));
  const unused = Object.keys(file.volumes)
    .filter((volume) => !mounted.includes(volume))
    .map((volume) => `the volume ${volume} is not used`);
  const each = Object.entries(file.services).flatMap(([name, service]) => [
    ...ofEvery(name, service, file, writers),
    ...(apps.includes(name) ? ofApp(name, service, version) : []),
  ]);
  return [...missing, ...unused, ...each];
}

function ofEvery(
  name: string,
  service: ComposeService,
  file: ComposeFile,
  writers: readonly string[],
): readonly string[] {
  const findings: string[] = [];
  const must = (holds: boolean, rule: string): void => void (holds || findings.push(`${name}: ${rule}`));
  const limits = service.deploy?.resources?.limits;
  must((service.healthcheck?.test?.length ?? 0) > 1, 'has no health check');
  must(limits?.cpus !== undefined && limits.memory !== undefined, 'has no limits');
  must(service.restart === 'unless-stopped', 'does not start again');
  must(service.cap_drop?.includes('ALL') === true, 'keeps capabilities');
  must(service.security_opt?.includes('no-new-privileges:true') === true, 'may gain privileges');
  must(service.read_only === true || writers.includes(name), 'may write to its root file system');
  must(EXACT_VERSION.test(service.image ?? ''), 'runs an image whose version is not exact');
  must(
    Number.parseInt(service.stop_grace_period ?? '0', 10) >= 20,
    'is killed before it has stopped: stop_grace_period',
  );
  for (const port of service.ports ?? []) must(port.startsWith(LOOPBACK), `publishes ${port} beyond loopback`);
  for (const volume of service.volumes ?? []) {
    const [source] = volume.split(':') as [string];
    must(source.startsWith('./') || source in file.volumes, `mounts ${source}, which is not declared`);
  }
  for (const network of service.networks ?? [])
    must(network in file.networks, `is on ${network}, which is not declared`);
  for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
    must(file.services[other] !== undefined, `waits for ${other}, which is not there`);
    must(condition === 'service_healthy', `does not wait until ${other} is healthy`);
  }
  return findings;
}

function ofApp(name: string, service: ComposeService, version: string): readonly string[] {
  const findings: string[] = [];
  const must = (holds: boolean, rule: string): void => void (holds || findings.push(`${name}: ${rule}`));
  const graceMs = Number.parseInt(service.stop_grace_period ?? '0', 10) * 1_000;
  must(service.command?.at(-1) === `apps/${name}/dist/main.js`, 'its command runs another app');
  must(service.image === `livegift:${version}`, `its image is not livegift:${version}`);
  must(service.ports === undefined, 'is published past the door');
  must(graceMs > Number(service.environment?.['DRAIN_MS_MAX']), 'is killed before it has drained: stop_grace_period');
  return findings;
}
