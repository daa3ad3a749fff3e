import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import {
  APP_RULE,
  COMPOSING_APP,
  FORBIDDEN_FOLDERS,
  FORBIDDEN_NEST_NAMES,
  LIB_RULES,
  OUTSIDE_WORLD,
  SPEC_RULE,
  VENDOR_CLIENTS,
  WEB_RULE,
  type ImportRule,
} from './import-rules.js';

export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

interface Place {
  readonly kind: 'libs' | 'apps';
  readonly workspace: string;
  readonly isSpec: boolean;
}

/** Every broken rule, one line each: `<file>: <what>`. */
export function violations(files: readonly SourceFile[]): readonly string[] {
  return [...files.flatMap((file) => fileViolations(file).map((what) => `${file.path}: ${what}`)), ...cycles(files)];
}

function fileViolations(file: SourceFile): readonly string[] {
  const place = placeOf(file.path);
  if (place === null) return [];
  return [
    ...nameViolations(file.path),
    ...importsOf(file).flatMap((specifier) => importViolations(file.path, place, specifier)),
    ...(place.isSpec ? [] : textViolations(file, place)),
  ];
}

function placeOf(path: string): Place | null {
  const match = /^(libs|apps)\/([^/]+)\/src\//.exec(path);
  if (match === null) return null;
  return { kind: match[1] as Place['kind'], workspace: match[2]!, isSpec: /\.spec\.tsx?$/.test(path) };
}

function nameViolations(path: string): readonly string[] {
  const parts = path.split('/');
  const folder = parts.find((part) => FORBIDDEN_FOLDERS.includes(part));
  const isBarrel = parts.at(-1) === 'index.ts' && !/^libs\/[^/]+\/src\/(contract\/)?index\.ts$/.test(path);
  return [
    ...(folder === undefined ? [] : [`a folder is called ${folder}`]),
    ...(isBarrel ? ["a barrel that is not a lib's own index.ts"] : []),
  ];
}

function importsOf(file: SourceFile): readonly string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function ruleOf(place: Place): ImportRule | undefined {
  if (place.isSpec) return SPEC_RULE;
  if (place.kind === 'libs') return LIB_RULES[place.workspace];
  return place.workspace === 'web' ? WEB_RULE : APP_RULE;
}

function importViolations(path: string, place: Place, specifier: string): readonly string[] {
  if (specifier.startsWith('.')) return relativeViolations(path, place, specifier);
  const rule = ruleOf(place);
  if (rule === undefined) return [`${place.workspace} has no import rule: give it one`];
  const entered = /^@livegift\/([^/]+)(?:\/(.+))?$/.exec(specifier);
  if (entered !== null) return workspaceViolations(place, rule, entered[1]!, entered[2]);
  return packageViolations(rule, specifier, place);
}

function relativeViolations(path: string, place: Place, specifier: string): readonly string[] {
  const target = normalize(join(dirname(path), specifier));
  const root = `${place.kind}/${place.workspace}/src`;
  if (!target.startsWith(`${root}/`)) return [`leaves its workspace by ${specifier}`];
  if (place.kind === 'libs' && target === `${root}/index.js`) return ["imports its own lib's index.ts"];
  return [];
}

function workspaceViolations(place: Place, rule: ImportRule, name: string, inside?: string): readonly string[] {
  if (!(name in LIB_RULES)) {
    const isModule = inside !== undefined && /^[^/]+\.module$/.test(inside);
    if (place.workspace === COMPOSING_APP && isModule) return [];
    return [`imports the app ${name}`];
  }
  const isContract = inside === 'contract' && (place.isSpec || place.workspace === 'testing');
  if (inside !== undefined && !isContract) return [`enters ${name} by ${inside}`];
  return rule.workspaces.includes(name) ? [] : [`may not import ${name}`];
}

function packageViolations(rule: ImportRule, specifier: string, place: Place): readonly string[] {
  if (specifier.startsWith('node:')) return rule.packages.includes('node:') ? [] : [`may not import ${specifier}`];
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (rule.packages.includes(name)) return [];
  const isVendor = VENDOR_CLIENTS.includes(name) && !place.isSpec;
  return rule.packages.includes('*') && !isVendor ? [] : [`may not import the package ${name}`];
}

function textViolations(file: SourceFile, place: Place): readonly string[] {
  const code = withoutComments(file.text);
  const isAdapter = place.kind === 'libs' && (LIB_RULES[place.workspace]?.packages.includes('node:') ?? false);
  const isOutside =
    isAdapter && /^((event-store|read-model|fanout|lease)-|(process|redis-connection)$)/.test(place.workspace);
  const pure = place.kind === 'libs' && !isOutside;
  const outside = pure ? OUTSIDE_WORLD.flatMap((pattern) => pattern.exec(code)?.[0] ?? []) : [];
  const nest = FORBIDDEN_NEST_NAMES.filter((name) => importsName(code, name));
  return [
    ...outside.map((call) => `reaches for the outside world: ${call}`),
    ...nest.map((name) => `uses ${name} of Nest`),
  ];
}

function importsName(code: string, name: string): boolean {
  return [...code.matchAll(/import\s*(?:type\s*)?\{([^}]*)\}\s*from\s*'@nestjs\/[^']+'/g)].some((match) =>
    match[1]!.split(',').some((part) => part.trim().split(/\s+as\s+/)[0] === name),
  );
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

/** Import cycles between files, each reported once with the way around. */
function cycles(files: readonly SourceFile[]): readonly string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      found.push(`import cycle: ${[...way.slice(way.indexOf(path)), path].join(' -> ')}`);
      return;
    }
    state.set(path, 'open');
    for (const specifier of importsOf(known.get(path)!)) {
      if (!specifier.startsWith('.')) continue;
      const target = normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts');
      if (known.has(target)) visit(target, [...way, path]);
    }
    state.set(path, 'done');
  };
  for (const file of files) visit(file.path, []);
  return found;
}
