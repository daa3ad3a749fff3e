import { posix } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** A file below infra/deploy; its path is relative to it. */
export interface DeploymentFile {
  readonly path: string;
  readonly text: string;
}

/* eslint-disable-next-line typescript/no-explicit-any -- documents of many kinds, held against their schemas elsewhere */
export type Manifest = Record<string, any>;

export interface LocatedManifest {
  readonly path: string;
  readonly manifest: Manifest;
}

const isKustomization = ({ path }: DeploymentFile): boolean => posix.basename(path) === 'kustomization.yaml';
const SECRETS_EXAMPLE = '.example';

/** Every document that kubectl would be given, but what kustomize generates. */
export function manifestsOf(files: readonly DeploymentFile[]): readonly LocatedManifest[] {
  return files
    .filter((file) => file.path.endsWith('.yaml') && !isKustomization(file))
    .flatMap(({ path, text }) =>
      parseAllDocuments(text).map((document) => {
        if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]!.message}`);
        return { path, manifest: document.toJS() as Manifest };
      }),
    );
}

/** What a kustomization names: as written, whether it is a secret, and where it is. */
interface Reference {
  readonly path: string;
  readonly isSecret: boolean;
}

interface Generator {
  readonly name: string;
  readonly envs?: readonly string[];
  readonly files?: readonly string[];
  readonly literals?: readonly string[];
}

export interface Kustomization {
  readonly resources?: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newTag?: string }[];
  readonly configMapGenerator?: readonly Generator[];
  readonly secretGenerator?: readonly Generator[];
}

export function kustomizationAt(files: readonly DeploymentFile[], folder: string): Kustomization {
  const file = files.find(({ path }) => path === posix.join(folder, 'kustomization.yaml'));
  if (file === undefined) throw new Error(`${folder} has no kustomization.yaml`);
  return parse(file.text) as Kustomization;
}

function referencesOf(folder: string, kustomization: Kustomization): readonly Reference[] {
  const generated = (generators: readonly Generator[] | undefined, isSecret: boolean): readonly Reference[] =>
    (generators ?? [])
      .flatMap(({ envs = [], files = [] }) => [...envs, ...files.map((file) => file.slice(file.indexOf('=') + 1))])
      .map((path) => ({ path: posix.join(folder, path), isSecret }));
  return [
    ...(kustomization.resources ?? []).map((path) => ({ path: posix.join(folder, path), isSecret: false })),
    ...generated(kustomization.configMapGenerator, false),
    ...generated(kustomization.secretGenerator, true),
  ];
}

/**
 * Files that are named and missing, and files that nobody names. A secret's file must be missing: an example of it stands
 * beside it, and git ignores it.
 */
export function kustomizeFindings(files: readonly DeploymentFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const named = new Set<string>();
  const findings: string[] = [];
  for (const file of files.filter(isKustomization)) {
    const folder = posix.dirname(file.path);
    named.add(file.path);
    for (const { path, isSecret } of referencesOf(folder, parse(file.text) as Kustomization)) {
      named.add(path);
      if (!isSecret) {
        if (!byPath.has(path) && !byPath.has(posix.join(path, 'kustomization.yaml'))) {
          findings.push(`${file.path} names ${path}, which is not there`);
        }
        continue;
      }
      const ignored = byPath.get(posix.join(folder, '.gitignore'))?.text.split('\n') ?? [];
      named.add(posix.join(folder, '.gitignore')).add(path + SECRETS_EXAMPLE);
      if (byPath.has(path)) findings.push(`${path} holds secrets and must not be committed`);
      if (!byPath.has(path + SECRETS_EXAMPLE)) findings.push(`${path} has no example beside it`);
      if (!ignored.includes(posix.basename(path))) findings.push(`${path} is not ignored by git`);
    }
  }
  for (const { path } of files) if (!named.has(path)) findings.push(`${path} belongs to no kustomization`);
  return findings;
}

/** `KEY=value` lines, as kustomize and compose read them. */
export function variablesIn(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
