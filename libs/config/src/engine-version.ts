import { readFileSync } from 'node:fs';

/** The version of this engine. Every package of the repository has the root's version; this is read from this one's. */
export const ENGINE_VERSION: string = readVersion(new URL('../package.json', import.meta.url));

function readVersion(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}
