// Writes the digest of each image beside its version: `node infra/docker/pin.mjs [--check] [FILE…]`, where docker is at hand.
// A tag may be moved to another image; a digest names one for ever. --check only says which images have none.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const INFRA = join(dirname(fileURLToPath(import.meta.url)), '..');
const FILES = ['compose.yml', 'docker/Dockerfile', 'deploy/base/door.yaml'].map((name) => join(INFRA, name));
/** `image: x`, `image: ${NAME:-x}`, `FROM x`: what stands before the image, then its name with a version, without a digest. */
const IMAGE = /^(\s*image: (?:\$\{\w+:-)?|FROM )([\w./-]+:[\w.-]*\d[\w.-]*)(?![\w.@-])/gm;
/** Built here, so that no registry knows it. */
const OWN = /^livegift:/;

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
const files = (positionals.length > 0 ? positionals : FILES).map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}));
const images = new Set(files.flatMap(({ text }) => [...text.matchAll(IMAGE)].map(([, , image]) => image)));
const unpinned = [...images].filter((image) => !OWN.test(image));

if (values.check) {
  for (const image of unpinned) process.stdout.write(`${image} has no digest\n`);
  process.exit(unpinned.length > 0 ? 1 : 0);
}

const digests = new Map(unpinned.map((image) => [image, digestOf(image)]));
for (const { path, text } of files) {
  const pinned = text.replaceAll(IMAGE, (whole, before, image) => {
    const digest = digests.get(image);
    return digest === undefined ? whole : `${before}${image}@${digest}`;
  });
  if (pinned !== text) writeFileSync(path, pinned);
}
for (const [image, digest] of digests) process.stdout.write(`${image}@${digest}\n`);

/** Of the whole image, for all its platforms. */
function digestOf(image) {
  try {
    const format = ['--format', '{{json .Manifest.Digest}}'];
    const answer = execFileSync('docker', ['buildx', 'imagetools', 'inspect', image, ...format], { encoding: 'utf8' });
    const digest = JSON.parse(answer);
    if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
    throw new Error(`docker answered ${answer}`);
  } catch (error) {
    const reason = error.code === 'ENOENT' ? 'docker is not installed' : (error.stderr || error.message).trim();
    process.stderr.write(`${image}: ${reason}\nNothing was changed.\n`);
    process.exit(1);
  }
}
