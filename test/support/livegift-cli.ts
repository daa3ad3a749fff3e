import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './engine.js';

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `livegift` as a user does. */
export function livegift(...args: readonly string[]): Promise<CliRun> {
  return livegiftWith({}, ...args);
}

/** As `livegift`, with these variables in its environment beside the usual ones. */
export function livegiftWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CliRun> {
  const root = repositoryRoot();
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/livegift.js'), ...args], {
    cwd: root,
    env: { ...process.env, ...variables },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((done) => child.once('close', (exitCode) => done({ exitCode, stdout, stderr })));
}
