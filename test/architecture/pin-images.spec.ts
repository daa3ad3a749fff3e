import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const INFRA = join(__dirname, '../../infra');
const PIN = join(INFRA, 'docker/pin.mjs');
const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('pin.mjs', () => {
  let directory: string;
  let files: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-pin-'));
    files = ['compose.yml', 'docker/Dockerfile', 'deploy/base/door.yaml'].map((name) => {
      const copy = join(directory, name.replaceAll('/', '-'));
      copyFileSync(join(INFRA, name), copy);
      return copy;
    });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A docker that answers with these words. */
  function pin(answer: string | null, ...flags: readonly string[]) {
    if (answer !== null) {
      const docker = join(directory, 'docker');
      writeFileSync(docker, `#!/bin/sh\n${answer}\n`);
      chmodSync(docker, 0o755);
    }
    const env = { PATH: `${directory}:/bin` };
    return spawnSync(process.execPath, [PIN, ...flags, ...files], { env, encoding: 'utf8' });
  }
  const texts = (): readonly string[] => files.map((file) => readFileSync(file, 'utf8'));

  it('writes a digest beside the version of each image that a registry has, once', () => {
    const before = texts();
    expect(pin(`echo '"${DIGEST}"'`)).toMatchObject({ status: 0, stderr: '' });
    const after = texts();
    expect(after.map((text) => text.replaceAll(`@${DIGEST}`, ''))).toEqual(before);
    const pinned = after.flatMap((text) =>
      [...text.matchAll(/([a-z][\w./-]*:[\w.-]+)@sha256:/g)].map(([, image]) => image),
    );
    expect(pinned.map((image) => image!.split(':')[0]).sort()).toEqual([
      'apache/kafka',
      'eventstore/eventstore',
      'nginxinc/nginx-unprivileged',
      'nginxinc/nginx-unprivileged',
      'node',
      'redis',
    ]);
    expect(pin('echo again >&2; exit 1')).toMatchObject({ status: 0, stdout: '' });
    expect(texts()).toEqual(after);
    expect(pin(null, '--check').status).toBe(0);
  });

  it.each([
    ['docker is not installed', null, 'docker is not installed'],
    ['docker has no network', 'echo no route >&2; exit 1', 'no route'],
    ['docker says something else', 'echo \'"latest"\'', 'docker answered "latest"'],
  ])('changes nothing when %s', (_, docker, said) => {
    const before = texts();
    const { status, stderr } = pin(docker);
    expect([status, stderr]).toEqual([1, expect.stringContaining(said)]);
    expect(texts()).toEqual(before);
  });

  it('says which images have no digest', () => {
    const { status, stdout } = pin(null, '--check');
    expect(status).toBe(1);
    expect(stdout).toContain('redis:7.4.6-alpine has no digest');
    expect(stdout).not.toContain('livegift:');
  });
});
