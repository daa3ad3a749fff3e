/** Where `livegift import` sends a file, and what it says when nothing answers there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../support/engine.js';
import { livegift, livegiftWith } from '../support/livegift-cli.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

const FILE = 'at,room_id,creator_id,viewer_id,coins\n2016-07-01T01:16:54Z,run,amy,v,7\n';
const ACCEPTED = `${JSON.stringify({ line: 1, status: 'accepted', position: '0001' })}\n`;

describe('the target of an import', () => {
  let folder: string;
  let file: string;
  let server: Server;
  let port: number;
  let requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  let isSilent: boolean;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'livegift-target-'));
    file = join(folder, 'gifts.csv');
    writeFileSync(file, FILE);
    server = createServer((request, response) => {
      requests.push({ path: request.url!, headers: request.headers });
      request.resume();
      if (!isSilent) request.once('end', () => response.end(ACCEPTED));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  beforeEach(() => {
    requests = [];
    isSilent = false;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps a path prefix, and sends the user of the URL as a header that is never printed', async () => {
    const run = await livegift('import', file, '--api', `http://me:opensesame@127.0.0.1:${port}/gifts/`);
    expect(run).toMatchObject({
      exitCode: 0,
      stderr: `livegift: importing ${file} into http://127.0.0.1:${port}/gifts (--api)\n`,
    });
    expect(run.stdout + run.stderr).not.toContain('opensesame');
    const authorization = `Basic ${Buffer.from('me:opensesame').toString('base64')}`;
    expect(requests).toMatchObject([{ path: '/gifts/v1/history/import', headers: { authorization } }]);
  });

  it('is the address that HOST and PORT name, without --api', async () => {
    const run = await livegiftWith({ HOST: '0.0.0.0', PORT: String(port) }, 'import', file);
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`:${port} (HOST and PORT)`) });
    expect(requests).toMatchObject([{ path: '/v1/history/import' }]);
  });

  it('is named at once when nothing answers there, and given up after seconds', async () => {
    const dead = createServer().listen(0, '127.0.0.1');
    await once(dead, 'listening');
    const address = `http://127.0.0.1:${(dead.address() as AddressInfo).port}`;
    dead.close();
    const run = await livegift('import', file, '--api', address);
    expect(run.exitCode).toBe(1);
    const [target, first, ...others] = run.stderr.split('\n');
    expect(target).toBe(`livegift: importing ${file} into ${address} (--api)`);
    expect(first).toMatch(`livegift: ${address} did not answer (ECONNREFUSED); trying again in 0.`);
    expect(others.at(-2)).toMatch(/ECONNREFUSED\); gave up after \d+ s\. Is the engine running there\?$/);
    expect(JSON.parse(run.stdout)).toMatchObject({ complete: false, accepted: 0 });
  });

  it('does not keep Ctrl-C waiting: a summary and exit code 130', async () => {
    isSilent = true;
    const bin = join(repositoryRoot(), 'apps/cli/bin/livegift.js');
    const child = spawn(process.execPath, [bin, 'import', file, '--api', `http://127.0.0.1:${port}`]);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    await once(server, 'request');
    child.kill('SIGINT');
    const [exitCode] = (await once(child, 'close')) as [number | null];
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 0, complete: false });
  });
});
