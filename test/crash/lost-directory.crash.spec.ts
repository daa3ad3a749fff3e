/** A process that is stopped, loses its data directory to another, and goes on: it must not write, and must say so. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { livegift } from '../support/livegift-cli.js';

/** The second engine waits twenty seconds for a sign of life of the first. */
jest.setTimeout(120_000);

describe('an engine that lost its data directory', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'livegift-lost-'));
  const engines: Engine[] = [];

  afterAll(async () => {
    for (const engine of engines) await engine.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (): Promise<Engine> => {
    const engine = await startEngine({ dataDir });
    engines.push(engine);
    return engine;
  };
  const open = (engine: Engine, viewerId: string) =>
    new ApiClient(engine.url).post('/v1/wallets', { viewerId, region: 'DE', ageAssured: true });

  it('refuses every command, says who holds it, and ends; nothing acknowledged is lost', async () => {
    const first = await start();
    expect(await open(first, 'before')).toMatchObject({ status: 201 });
    process.kill(first.pid!, 'SIGSTOP');
    const lockFile = join(dataDir, 'writer.lock');
    const holder = JSON.parse(readFileSync(lockFile, 'utf8')) as object;
    writeFileSync(lockFile, JSON.stringify({ ...holder, kernel: 'another machine', host: 'first-host' }));
    const second = await start();
    expect(await open(second, 'meanwhile')).toMatchObject({ status: 201 });
    const ended = first.ended();
    process.kill(first.pid!, 'SIGCONT');
    const answer = await open(first, 'after').catch(() => ({ status: 'closed' }));
    expect([503, 'closed']).toContain(answer.status);
    expect(await ended).toBe(1);
    expect(first.words).toMatch(new RegExp(`lost the directory: process ${second.pid} on `));
    expect(await open(second, 'later')).toMatchObject({ status: 201 });
    expect(await second.stop()).toBe(0);
    const audit = await livegift('audit', '--data-dir', dataDir);
    expect(audit).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('3 wallets') });
  });
});
