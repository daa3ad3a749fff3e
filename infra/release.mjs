#!/usr/bin/env node
/**
 * Tags a release: npm run release -- 0.2.0
 *
 * Needs a clean work tree, a version that is new, and an entry under "Unreleased" in CHANGELOG.md. Writes the version into
 * every workspace's package.json, the lock file and the image tags, gives the changelog section its version and date, commits, and
 * makes an annotated tag with that section. Pushes nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;
const CHANGELOG = 'CHANGELOG.md';
const UNRELEASED = '## Unreleased\n';
const LOCK = 'package-lock.json';

class ReleaseError extends Error {}

const git = (...args) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

function refuse(why) {
  throw new ReleaseError(why);
}

function release(version) {
  if (!VERSION.test(version ?? '')) refuse('which version? For example: npm run release -- 0.2.0');
  if (git('status', '--porcelain') !== '') refuse('the work tree has changes; commit them first');
  const { version: current, workspaces } = readJson('package.json');
  const manifests = git('ls-files', 'package.json', ...workspaces.map((each) => `${each}/package.json`)).split('\n');
  const other = manifests.find((path) => readJson(path).version !== current);
  if (other !== undefined) refuse(`${other} does not have version ${current}`);
  if (isLower(version, current)) refuse(`${version} is lower than ${current}`);
  const tag = `v${version}`;
  if (git('tag', '--list', tag) !== '') refuse(`the tag ${tag} exists already`);
  const notes = unreleasedNotes();

  for (const path of manifests) writeJson(path, withVersion(readJson(path), version));
  writeLock(version);
  for (const path of filesWithImage(current))
    replaceIn(path, imageTags(current), (match) => match.replace(current, version));
  const today = new Date().toISOString().slice(0, 10);
  replaceIn(CHANGELOG, UNRELEASED, () => `${UNRELEASED}\n## ${version} (${today})\n`);
  git('commit', '--all', '--quiet', '--message', `Release ${version}`);
  // Without stripping: the headings of the section begin with #.
  git('tag', '--annotate', tag, '--cleanup=whitespace', '--message', `${tag}\n\n${notes}`);
  return `tagged ${tag}; push it with: git push --follow-tags`;
}

function isLower(version, than) {
  const [a, b] = [version, than].map((text) => VERSION.exec(text).slice(1).map(Number));
  const at = a.findIndex((part, index) => part !== b[index]);
  return at !== -1 && a[at] < b[at];
}

function unreleasedNotes() {
  const text = readFileSync(CHANGELOG, 'utf8');
  const start = text.indexOf(UNRELEASED);
  if (start === -1) refuse(`${CHANGELOG} has no section "Unreleased"`);
  const notes = text
    .slice(start + UNRELEASED.length)
    .split(/^## /m)[0]
    .trim();
  if (!/^- /m.test(notes)) refuse(`${CHANGELOG} has no entry under "Unreleased"`);
  return notes;
}

/** Packages of the repository depend on each other in one version. */
function withVersion(manifest, version) {
  for (const kind of ['dependencies', 'devDependencies']) {
    for (const name of Object.keys(manifest[kind] ?? {})) {
      if (name.startsWith('@livegift/')) manifest[kind][name] = version;
    }
  }
  return { ...manifest, version };
}

function writeLock(version) {
  const lock = readJson(LOCK);
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path.includes('node_modules') || entry.version === undefined) continue;
    lock.packages[path] = withVersion(entry, version);
  }
  writeJson(LOCK, { ...lock, version });
}

const imageTags = (version) => {
  const text = version.replaceAll('.', String.raw`\.`);
  return new RegExp(String.raw`(livegift:|newTag: )${text}\b`, 'g');
};

function filesWithImage(version) {
  return git('ls-files', 'infra')
    .split('\n')
    .filter((path) => path !== '' && readFileSync(path, 'utf8').search(imageTags(version)) !== -1);
}

function replaceIn(path, what, by) {
  writeFileSync(path, readFileSync(path, 'utf8').replace(what, by));
}

try {
  process.stdout.write(`${release(process.argv[2])}\n`);
} catch (error) {
  process.stderr.write(`release: ${error instanceof ReleaseError ? error.message : error.stack}\n`);
  process.exitCode = error instanceof ReleaseError ? 2 : 1;
}
