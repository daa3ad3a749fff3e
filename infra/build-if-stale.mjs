// Builds what is stale, and nothing when no source has changed since the last build: a restart must not wait for a compiler.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, '.cache/build.stamp');
const SOURCES = ['apps', 'libs', 'infra/local', 'test'];
const SINGLE_FILES = ['package-lock.json', 'tsconfig.base.json', 'tsconfig.json'];
const WORKSPACES = ['apps', 'libs'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
);
const PASSED_OVER = new Set(['node_modules', 'dist']);
const IS_SOURCE = /\.(ts|json)$/;
const PROOF_OF_A_BUILD = join(root, 'apps/standalone/dist/main.js');

const stamp = stampOfSources();
if (!isBuilt(stamp)) {
  const first = existsSync(PROOF_OF_A_BUILD) ? '' : ' for the first time, which takes half a minute';
  process.stderr.write(`livegift: building${first} …\n`);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}

function isBuilt(wanted) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted && WORKSPACES.every(hasOutput);
}

/** An output folder may have been removed. */
function hasOutput(workspace) {
  return !existsSync(join(workspace, 'tsconfig.json')) || existsSync(join(workspace, 'dist'));
}

/** Names, sizes and times of change: what `tsc -b` itself goes by, without starting it. */
function stampOfSources() {
  const hash = createHash('sha256').update(process.version);
  const add = (path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  };
  SINGLE_FILES.forEach(add);
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) walk(path);
      else if (entry.isFile() && IS_SOURCE.test(entry.name) && !entry.name.endsWith('.spec.ts')) add(path);
    }
  };
  SOURCES.forEach(walk);
  return hash.digest('hex');
}
