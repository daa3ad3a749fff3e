import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}
type Lock = Readonly<Record<string, LockedPackage>>;

const ROOT = join(__dirname, '../..');

/** What each install script does. A package that is not listed here may not bring one. */
const ALLOWED: Readonly<Record<string, string>> = {
  '@parcel/watcher': 'compiles from source, only if npm_config_build_from_source is set',
  '@swc/core': 'looks whether the prebuilt binary loads',
  lmdb: 'looks whether the prebuilt binary loads, else compiles it',
  'msgpackr-extract': 'looks whether the prebuilt binary loads, else compiles it',
  protobufjs: 'warns about the version range of a dependent',
  'unrs-resolver': 'looks whether the prebuilt binary is there, else fetches it by npm',
};

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const { packages } = read('package-lock.json') as { readonly packages: Lock };
const { allowScripts } = read('package.json') as { readonly allowScripts: Readonly<Record<string, boolean>> };

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

const withScripts = (lock: Lock): readonly string[] => [
  ...new Set(
    Object.entries(lock)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => nameOf(path)),
  ),
];

const unknownScripts = (lock: Lock): readonly string[] => withScripts(lock).filter((name) => !(name in ALLOWED));

describe('install scripts of dependencies', () => {
  it('exist only in packages that are listed with what the script does', () => {
    expect(unknownScripts(packages)).toEqual([]);
  });

  it('are listed only for packages that have one', () => {
    expect([...withScripts(packages)].sort()).toEqual(Object.keys(ALLOWED).sort());
  });

  it('are approved in package.json, where npm reads it, for the same packages', () => {
    expect(Object.keys(allowScripts).sort()).toEqual(Object.keys(ALLOWED).sort());
  });

  it('never report an installation: the reporting package is replaced by an empty one', () => {
    expect(packages['node_modules/@scarf/scarf']).toEqual({ resolved: 'infra/no-telemetry', link: true });
    expect(read('infra/no-telemetry/package.json')).not.toHaveProperty('scripts');
  });

  it('are found where a dependency has a copy of its own', () => {
    const planted: Lock = { 'node_modules/a/node_modules/@scarf/scarf': { hasInstallScript: true } };
    expect(unknownScripts({ ...packages, ...planted })).toEqual(['@scarf/scarf']);
  });
});
