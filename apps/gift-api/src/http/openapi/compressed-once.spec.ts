import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fastify, { type FastifyInstance } from 'fastify';
import { CompressedOnce } from './compressed-once.js';

const TEXT = 'livegift '.repeat(5_000);

describe('what is compressed once', () => {
  let server: FastifyInstance;

  beforeEach(() => {
    const page = new CompressedOnce(Buffer.from(TEXT), { 'content-type': 'text/plain', 'cache-control': 'max-age=1' });
    server = fastify();
    server.get('/', (request, reply) => page.send(request, reply));
  });
  afterEach(() => server.close());

  const get = (headers: Record<string, string>) => server.inject({ url: '/', headers });

  it.each([
    ['br, gzip', 'br', (bytes: Buffer) => brotliDecompressSync(bytes)],
    ['gzip, deflate', 'gzip', (bytes: Buffer) => gunzipSync(bytes)],
    ['br;q=0, gzip;q=0.5', 'gzip', (bytes: Buffer) => gunzipSync(bytes)],
    ['*', 'br', (bytes: Buffer) => brotliDecompressSync(bytes)],
    ['br;q=0', undefined, (bytes: Buffer) => bytes],
    ['', undefined, (bytes: Buffer) => bytes],
  ])('is sent to who accepts %j as %s', async (accepted, encoding, decoded) => {
    const answer = await get({ 'accept-encoding': accepted });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers['vary']).toBe('Origin, Accept-Encoding');
    expect(decoded(answer.rawPayload).toString()).toBe(TEXT);
  });

  it('is not sent again to who has it, in that encoding', async () => {
    const { headers } = await get({ 'accept-encoding': 'br' });
    const etag = String(headers.etag);
    expect(await get({ 'accept-encoding': 'br', 'if-none-match': etag })).toMatchObject({ statusCode: 304, body: '' });
    expect(await get({ 'accept-encoding': 'gzip', 'if-none-match': etag })).toMatchObject({ statusCode: 200 });
  });
});
