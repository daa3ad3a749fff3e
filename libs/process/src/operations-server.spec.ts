import { ENGINE_VERSION } from '@livegift/config';
import { createTelemetry } from '@livegift/observability';
import { RawClient } from '@livegift/testing';
import { OriginPolicy } from './origin-policy.js';
import { startOperationsServer, type OperationsServer } from './operations-server.js';
import type { ReadinessPart } from './readiness.js';

describe('the server of a process without an API', () => {
  const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
  let parts: readonly ReadinessPart[] = [];
  let server: OperationsServer;

  const start = async (otherwise: 'not-found' | 'unavailable'): Promise<void> => {
    server = await startOperationsServer({
      origins: OriginPolicy.ofThisMachine(),
      host: '127.0.0.1',
      port: 0,
      telemetry,
      readiness: () => parts,
      otherwise,
    });
  };
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    const body: unknown = type.includes('json') && text !== '' ? JSON.parse(text) : text;
    return { status: response.status, type, retryAfter: response.headers.get('retry-after'), body };
  };

  afterEach(() => server.close());

  it('says that it lives, what it measures, and that there is nothing else', async () => {
    await start('not-found');
    telemetry.count('log_readers_refused_total');
    expect(await ask('/health/live')).toMatchObject({ status: 200, body: { status: 'live', version: ENGINE_VERSION } });
    expect((await ask('/metrics')).body).toContain('livegift_log_readers_refused_total 1');
    expect(await ask('/v1/wallets')).toMatchObject({
      status: 404,
      type: 'application/problem+json; charset=utf-8',
      body: { code: 'not-found', status: 404 },
    });
    expect(await ask('/health/live', 'POST')).toMatchObject({ status: 404 });
  });

  it('says what is not ready, and why', async () => {
    await start('not-found');
    parts = [
      { name: 'event-store', isReady: () => true },
      { name: 'read-model', isReady: () => false, reason: () => 'no connection' },
    ];
    expect(await ask('/health/ready')).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: {
        status: 'not-ready',
        version: ENGINE_VERSION,
        parts: [
          { name: 'event-store', ready: true },
          { name: 'read-model', ready: false, reason: 'no connection' },
        ],
      },
    });
    parts = [parts[0]!, { ...parts[1]!, isOptional: true }];
    expect(await ask('/health/ready')).toMatchObject({
      status: 200,
      body: {
        status: 'ready',
        version: ENGINE_VERSION,
        parts: [{}, { name: 'read-model', ready: false, optional: true, reason: 'no connection' }],
      },
    });
  });

  it('stands in for an API that is to come', async () => {
    await start('unavailable');
    expect(await ask('/v1/wallets', 'POST')).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { code: 'unavailable' },
    });
  });

  it('stands in for a stream that is to come, with one that an EventSource returns to', async () => {
    await start('unavailable');
    const headers = { accept: 'text/event-stream' };
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/rooms/lounge/events`, { headers });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await response.text()).toMatch(/^retry: \d+$/m);
  });

  it('closes though a client has sent nothing', async () => {
    await start('unavailable');
    const client = await RawClient.open(`http://127.0.0.1:${server.port}`);
    await ask('/health/live');
    await server.close();
    client.destroy();
  });

  it('tells who takes its port that it is taken', async () => {
    await start('not-found');
    const options = {
      origins: OriginPolicy.ofThisMachine(),
      host: '127.0.0.1',
      port: server.port,
      telemetry,
      readiness: () => [],
    };
    await expect(startOperationsServer({ ...options, otherwise: 'not-found' })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
