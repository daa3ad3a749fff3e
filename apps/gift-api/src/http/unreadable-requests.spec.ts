import { OriginPolicy } from '@livegift/process';
import { lookup } from 'node:dns/promises';
import { createTelemetry } from '@livegift/observability';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { InMemoryEventStore, RawClient, rawRequest } from '@livegift/testing';
import { startGiftApi, type GiftApiServer } from '../gift-api.server.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const WALLET = '{"viewerId":"ann","region":"DE","ageAssured":true}';

describe('requests that are not plain HTTP', () => {
  let server: GiftApiServer;
  const clients: RawClient[] = [];

  const start = async (host: string): Promise<GiftApiServer> => {
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const scheduler = {
      after: (ms: number, task: () => void) => {
        const timer = setTimeout(task, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    const readModel = createMemoryReadModel({ clock, scheduler });
    await readModel.markBuilt(0, null);
    return startGiftApi({
      parts: {
        store: new InMemoryEventStore('a-store'),
        readModel,
        clock,
        ids: { uuid: () => crypto.randomUUID() },
        scheduler,
        telemetry: createTelemetry({ level: 'silent', app: 'spec' }),
        config: { boardUtcOffset: '+00:00', bulkLinesMax: 10 },
      },
      http: {
        origins: OriginPolicy.ofThisMachine(),
        bodyBytesMax: 65_536,
        bulkBodyBytesMax: 100_000,
        drainMsMax: 3_000,
      },
      host,
      port: 0,
    });
  };

  beforeAll(async () => {
    server = await start('127.0.0.1');
  });

  afterAll(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.close();
  });

  const open = async (bytes: string): Promise<RawClient> => {
    const client = await RawClient.open(server.url, bytes);
    clients.push(client);
    return client;
  };
  const chunked = (coding: string): string =>
    `${rawRequest('POST', '/v1/wallets', { ...JSON_TYPE, 'transfer-encoding': coding })}0\r\n\r\n`;

  it.each([
    ['no HTTP at all', 'HELLO\r\n\r\n', 400, 'invalid-request'],
    ['a method that nobody knows', rawRequest('BREW', '/v1/wallets/ann'), 400, 'invalid-request'],
    ['a request to be a proxy', rawRequest('CONNECT', 'example.com:443'), 405, 'method-not-allowed'],
    ['a method that no address takes', rawRequest('PROPFIND', '/v1/wallets/ann'), 405, 'method-not-allowed'],
    ['a path that cannot be decoded', rawRequest('GET', '/v1/wallets/%E0%A4%A'), 400, 'invalid-request'],
    [
      'two lengths',
      rawRequest('POST', '/v1/wallets', { ...JSON_TYPE, 'content-length': '1, 2' }),
      400,
      'invalid-request',
    ],
    ['a broken chunk', chunked('chunked').replace('0\r\n', 'zero\r\n'), 400, 'invalid-request'],
    ['two hosts', 'GET /v1/wallets/ann HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n', 400, 'invalid-request'],
    ['no host', 'GET /v1/wallets/ann HTTP/1.1\r\nx: y\r\n\r\n', 400, 'invalid-request'],
    ['a transfer coding that is not decoded', chunked('gzip, chunked'), 400, 'invalid-request'],
    ['an unknown expectation', rawRequest('GET', '/v1/wallets/ann', { expect: 'more' }), 417, 'expectation-failed'],
    ['headers that are too large', rawRequest('GET', '/', { x: 'x'.repeat(20_000) }), 431, 'headers-too-large'],
  ])('are answered with a problem: %s', async (_, bytes, status, code) => {
    const client = await open(bytes);
    const text = await client.until((answer) => answer.includes(`"code":"${code}"`));
    expect(client.statuses).toEqual([status]);
    expect(text.toLowerCase()).toMatch(/\r\ncontent-type: application\/problem\+json/);
    expect(text.toLowerCase()).toMatch(/\r\ncache-control: no-store/);
  });

  it('are answered after what came before them, which acted', async () => {
    const head = rawRequest('POST', '/v1/wallets', { ...JSON_TYPE, 'content-length': String(WALLET.length) });
    const client = await open(`${head}${WALLET}JUNK\r\n\r\n`);
    await client.rest();
    expect(client.statuses).toEqual([201, 400]);
  });

  it('are not answered in the middle of a stream', async () => {
    const client = await open(rawRequest('GET', '/v1/leaderboards/gifters', { accept: 'text/event-stream' }));
    await client.until((text) => text.includes('event: board'));
    client.send('JUNK\r\n\r\n');
    expect(await client.rest()).not.toContain('problem');
    expect(client.statuses).toEqual([200]);
  });

  it('are answered when the client closes its side after a command', async () => {
    const body = WALLET.replace('ann', 'half-closed');
    const head = rawRequest('POST', '/v1/wallets', { ...JSON_TYPE, 'content-length': String(body.length) });
    const client = await open(head + body);
    client.socket.end();
    expect(await client.rest()).toContain('"viewerId":"half-closed"');
    expect(client.statuses).toEqual([201]);
  });

  it('are answered on every address of localhost when the client closes its side', async () => {
    const local = await start('localhost');
    const { port } = new URL(local.url);
    for (const { address, family } of await lookup('localhost', { all: true })) {
      const host = family === 6 ? `[${address}]` : address;
      const read = rawRequest('GET', '/v1/catalogue/gifts');
      const client = await RawClient.open(`http://${host}:${port}`, read);
      client.socket.end();
      expect(await client.rest()).toMatch(/^HTTP\/1\.1 200 /);
      client.destroy();
    }
    await local.close();
  });

  it.each(['/v1/wallets/ann', '/v1/leaderboards/gifters', '/v1/catalogue/gifts', '/health/ready', '/v1/nothing'])(
    'say of JSON that it must not be kept: %s',
    async (path) => {
      const response = await fetch(server.url + path);
      await response.arrayBuffer();
      expect(response.headers.get('cache-control')).toBe('no-store');
    },
  );
});
