/** What web pages of elsewhere can do to an engine on this machine: nothing. */
import { request, type IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';

jest.setTimeout(60_000);

const FOREIGN: readonly (readonly [string, Record<string, string>])[] = [
  ['a name that was rebound to this machine', { host: 'evil.example:3000' }],
  ['a rebound name, from its own page', { host: 'evil.example', origin: 'http://evil.example' }],
  ['a page of elsewhere', { origin: 'https://evil.example' }],
  ['a page without an origin', { origin: 'null' }],
  ['a form of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
];

describe('a page of elsewhere', () => {
  let engine: Engine;
  let api: ApiClient;

  beforeAll(async () => {
    engine = await startEngine({ env: { ALLOWED_HOSTS: 'gifts.test' } });
    api = new ApiClient(engine.url);
    await api.post('/v1/rooms', { roomId: 'r1', creatorId: 'cleo' });
  });
  afterAll(() => engine.dispose());

  interface Told {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }

  /** As a browser would send it: `fetch` sets Host and Origin itself. */
  const send = (method: string, path: string, headers: Record<string, string>, body?: string): Promise<Told> =>
    new Promise((resolve, reject) => {
      const asked = request(new URL(path, engine.url), { method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      });
      asked.once('error', reject);
      asked.end(body);
    });

  it.each(FOREIGN)('cannot send a command, with a body or without: %s', async (_, headers) => {
    const before = (await api.events()).length;
    const wallet = JSON.stringify({ viewerId: 'mallory', region: 'DE', ageAssured: true });
    for (const answer of [
      await send('POST', '/v1/rooms/r1/close', headers),
      await send('POST', '/v1/wallets', { ...headers, 'content-type': 'application/json' }, wallet),
      await send('POST', '/v1/wallets', { ...headers, 'content-type': 'text/plain' }, wallet),
    ]) {
      expect(answer).toMatchObject({
        status: 403,
        headers: { 'content-type': expect.stringContaining('application/problem+json') },
      });
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'forbidden', title: 'Not allowed' });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await api.events()).length).toBe(before);
  });

  it.each(FOREIGN.slice(0, 4))('cannot read the log, boards or metrics: %s', async (_, headers) => {
    for (const path of ['/v1/events', '/v1/leaderboards/gifters', '/metrics', '/health/ready']) {
      expect(await send('GET', path, headers)).toMatchObject({ status: 403 });
    }
    expect(await send('GET', '/v1/rooms/r1/events', { ...headers, accept: 'text/event-stream' })).toMatchObject({
      status: 403,
    });
  });

  it.each([
    ['an origin of elsewhere', { origin: 'https://evil.example' }, 403],
    ['no origin of its own', { origin: 'null' }, 403],
    ['a rebound name', { origin: 'http://evil.example', host: 'evil.example' }, 403],
    ['an origin of this machine', { origin: 'http://localhost:5173' }, 101],
    ['no browser', {}, 101],
  ])('opens a WebSocket or not: %s', async (_, headers, status) => {
    const socket = new WebSocket(`${engine.url.replace('http', 'ws')}/v1/rooms/r1/live`, { headers });
    const seen = await new Promise<number>((resolve) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode!));
      socket.once('error', () => {});
    });
    socket.terminate();
    expect(seen).toBe(status);
  });

  it('is no page of elsewhere when its host or origin is allowed', async () => {
    const known: Record<string, string>[] = [
      { host: 'gifts.test' },
      { host: 'localhost:1' },
      { origin: 'http://127.0.0.1:8080' },
    ];
    for (const headers of known) {
      const answer = await send('GET', '/v1/rooms/r1', headers);
      expect(answer.status).toBe(200);
    }
    const own = { host: 'gifts.test', origin: 'http://gifts.test' };
    expect(await send('POST', '/v1/rooms/none/close', own)).toMatchObject({ status: 404 });
  });

  it('may link here: a person who follows the link sees the documentation', async () => {
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await send('GET', '/docs', visit)).status).toBeLessThan(400);
  });

  it('learns nothing from a preflight, and a page of this machine everything that it needs', async () => {
    const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'idempotency-key' };
    const refused = await send('OPTIONS', '/v1/wallets', { ...asks, origin: 'https://evil.example' });
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('"code":"forbidden"') });
    const rebound = await send('OPTIONS', '/v1/wallets', {
      ...asks,
      host: 'evil.example',
      origin: 'http://evil.example',
    });
    expect(rebound).toMatchObject({ status: 403, body: expect.stringContaining('"code":"forbidden"') });
    const allowed = await send('OPTIONS', '/v1/wallets', { ...asks, origin: 'http://localhost:5173' });
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-headers': expect.stringContaining('idempotency-key'),
    });
  });
});
