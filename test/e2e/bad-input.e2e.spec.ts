/** Bad input is told what is wrong with it, never a 500, and changes nothing. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { openDoor } from '@livegift/local-servers';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';

const SOUND_PURCHASE = { coins: 5, price: { amountMinor: 499, currency: 'USD' }, provider: 'shop', paymentId: 'p-1' };
const LONG = 'x'.repeat(65);

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly code: string;
}

const json = { 'content-type': 'application/json' };
const keyed = { ...json, 'idempotency-key': 'k-bad' };
const ndjson = { 'content-type': 'application/x-ndjson' };

const post = (path: string, body: unknown, what: string, headers: Record<string, string> = keyed): Case => ({
  what,
  method: 'POST',
  path,
  headers,
  body,
  status: 400,
  code: 'invalid-request',
});
const get = (path: string, what: string): Case => ({ what, path, status: 400, code: 'invalid-request' });

const wallet = (change: Record<string, unknown>, what: string): Case =>
  post('/v1/wallets', { viewerId: 'new', region: 'DE', ageAssured: true, ...change }, `a wallet with ${what}`);
const purchase = (change: Record<string, unknown>, what: string): Case =>
  post('/v1/wallets/ann/purchases', { ...SOUND_PURCHASE, ...change }, `a purchase with ${what}`);
const gift = (change: Record<string, unknown>, what: string): Case =>
  post('/v1/rooms/r1/gifts', { viewerId: 'ann', gift: 'rose', ...change }, `a gift with ${what}`);
const room = (change: Record<string, unknown>, what: string): Case =>
  post('/v1/rooms', { roomId: 'new', creatorId: 'cleo', ...change }, `a room with ${what}`);

const CASES: readonly Case[] = [
  wallet({ viewerId: '' }, 'an empty id'),
  wallet({ viewerId: LONG }, 'an id that is too long'),
  wallet({ viewerId: 'a b' }, 'a blank in its id'),
  wallet({ viewerId: 'ä' }, 'a letter beyond ASCII in its id'),
  wallet({ viewerId: 7 }, 'a number for its id'),
  wallet({ viewerId: null }, 'null for its id'),
  wallet({ viewerId: ['ann'] }, 'a list for its id'),
  wallet({ region: 'de' }, 'a region in small letters'),
  wallet({ region: 'DEU' }, 'a region of three letters'),
  wallet({ ageAssured: 'true' }, 'a text for a truth'),
  wallet({ extra: 1 }, 'a field that is not known'),
  wallet({ __proto__x: {} }, 'a field that looks like a trap'),
  post('/v1/wallets', '{"viewerId":"new","region":"DE","ageAssured":true,"__proto__":{"admin":true}}', 'a prototype'),
  post('/v1/wallets', '{"viewerId":', 'a body that breaks off'),
  post('/v1/wallets', '{"viewerId":"new","region":"DE","region":"FR","ageAssured":true}', 'a key that is there twice'),
  post(
    '/v1/wallets/ann/purchases',
    JSON.stringify({ ...SOUND_PURCHASE, paymentId: 'p-2' }).replace('"coins":5', '"coins":5,"co\\u0069ns":5000'),
    'an amount that is there twice, escaped differently',
  ),
  post(
    '/v1/wallets/ann/purchases',
    JSON.stringify({ ...SOUND_PURCHASE, paymentId: 'p-3' }).replace('"currency"', '"amountMinor":1,"currency"'),
    'a price that is there twice',
  ),
  post('/v1/wallets', '', 'an empty body'),
  post('/v1/wallets', 'null', 'null for a body'),
  post('/v1/wallets', '[]', 'a list for a body'),
  post('/v1/wallets', '"ann"', 'a text for a body'),
  purchase({ coins: 0 }, 'no coins'),
  purchase({ coins: -5 }, 'coins below zero'),
  purchase({ coins: 1.5 }, 'half a coin'),
  purchase({ coins: '5' }, 'coins as text'),
  purchase({ coins: 1_000_000_001 }, 'too many coins'),
  purchase({ coins: Number.MAX_SAFE_INTEGER }, 'coins near 2^53'),
  post('/v1/wallets/ann/purchases', JSON.stringify(SOUND_PURCHASE).replace('5', '1e400'), 'coins beyond every number'),
  purchase({ price: null }, 'no price'),
  purchase({ price: { amountMinor: 4.99, currency: 'USD' } }, 'a price in fractions'),
  purchase({ price: { amountMinor: 499, currency: 'usd' } }, 'a currency in small letters'),
  purchase({ price: { amountMinor: 499, currency: 'USD', tax: 1 } }, 'a tax that is not known'),
  purchase({ provider: 'import' }, 'the provider that is kept for history'),
  purchase({ provider: 'Shop!' }, 'a provider of wrong letters'),
  purchase({ paymentId: '' }, 'an empty paymentId'),
  purchase({ paymentId: 'x'.repeat(129) }, 'a paymentId that is too long'),
  purchase({ paymentId: 'a\nb' }, 'a line break in its paymentId'),
  gift({ quantity: 0 }, 'a quantity of none'),
  gift({ quantity: 1_000_000 }, 'a quantity beyond its bound'),
  gift({ quantity: 1.5 }, 'half a unit'),
  gift({ gift: 'a rose' }, 'a blank in its name'),
  gift({ message: 'x'.repeat(201) }, 'a message that is too long'),
  gift({ message: 7 }, 'a number for a message'),
  gift({ sender: 'Ann' }, 'a text for a sender'),
  gift({ sender: {} }, 'a sender without a name'),
  gift({ sender: { name: 'Ann', avatarUrl: 'http://a.example/a.png' } }, 'an avatar that is not https'),
  gift({ sender: { name: 'Ann', avatarUrl: 'https://a.example/' + 'a'.repeat(600) } }, 'an avatar that is too long'),
  gift({ sender: { name: 'x'.repeat(65) } }, 'a sender whose name is too long'),
  gift({ coins: 5 }, 'coins that it may not choose'),
  room({ creatorId: 'a/b' }, 'a slash in its creator'),
  room({ title: 'x'.repeat(201) }, 'a title that is too long'),
  post('/v1/rooms/a%20b/gifts', { viewerId: 'ann', gift: 'rose' }, 'a room with a blank in the path'),
  post('/v1/wallets/ann/purchases', SOUND_PURCHASE, 'an empty key', { ...json, 'idempotency-key': '' }),
  post('/v1/wallets/ann/purchases', SOUND_PURCHASE, 'a key that is too long', {
    ...json,
    'idempotency-key': 'k'.repeat(129),
  }),
  get('/v1/wallets/a%20b', 'a blank in an id'),
  get(`/v1/wallets/${LONG}`, 'an id that is too long'),
  get('/v1/wallets/ann/gifts?limit=0', 'a limit of none'),
  get('/v1/wallets/ann/gifts?limit=101', 'a limit beyond its bound'),
  get('/v1/wallets/ann/gifts?limit=ten', 'a limit in words'),
  get('/v1/wallets/ann/gifts?cursor=%00', 'a cursor that is none'),
  get('/v1/wallets/ann?after=soon', 'a position that is none'),
  get('/v1/wallets/ann?afterwards=1', 'a parameter that is not known'),
  get('/v1/leaderboards/gifters?window=year', 'a window that is not known'),
  get('/v1/leaderboards/gifters?at=yesterday', 'a time in words'),
  get('/v1/leaderboards/gifters?at=2016-02-30T00:00:00Z', 'a day that never was'),
  get('/v1/leaderboards/gifters?at=2016-07-01T00:00:00%2B02:00', 'a time that is not UTC'),
  get('/v1/leaderboards/gifters?from=0', 'a rank of none'),
  get('/v1/leaderboards/gifters?from=2&around=ann', 'two places to begin at'),
  get('/v1/rooms?state=ajar', 'a state that is not known'),
  get('/v1/events?limit=10001', 'too many events'),
  get('/v1/events?types=Gift%20Sent', 'types that are none'),
  get('/v1/events?follow=maybe', 'a truth in words'),
  {
    ...post('/v1/wallets/ann/purchases', SOUND_PURCHASE, 'no key', json),
    code: 'idempotency-key-required',
  },
  { what: 'no such route', path: '/v1/nothing', status: 404, code: 'not-found' },
  { what: 'no such version', path: '/v9/wallets/ann', status: 404, code: 'not-found' },
  {
    what: 'a method that the route lacks',
    method: 'DELETE',
    path: '/v1/wallets/ann',
    status: 405,
    code: 'method-not-allowed',
  },
  {
    what: 'a body of another type',
    method: 'POST',
    path: '/v1/wallets',
    headers: { 'content-type': 'text/plain' },
    body: 'x',
    status: 415,
    code: 'unsupported-media-type',
  },
  {
    what: 'a packed body',
    method: 'POST',
    path: '/v1/wallets',
    headers: { ...json, 'content-encoding': 'gzip' },
    body: 'x',
    status: 415,
    code: 'unsupported-media-type',
  },
  {
    what: 'JSON where lines are wanted',
    method: 'POST',
    path: '/v1/gifts/bulk',
    headers: json,
    body: '{}',
    status: 415,
    code: 'unsupported-media-type',
  },
  {
    what: 'a body beyond its bound',
    method: 'POST',
    path: '/v1/wallets',
    headers: json,
    body: `{"viewerId":"${'x'.repeat(2_000_000)}"}`,
    status: 413,
    code: 'body-too-large',
  },
  {
    what: 'too many lines',
    method: 'POST',
    path: '/v1/gifts/bulk',
    headers: ndjson,
    body: '{}\n'.repeat(10_001),
    status: 413,
    code: 'too-many-lines',
  },
  {
    what: 'too many lines of history',
    method: 'POST',
    path: '/v1/history/import',
    headers: ndjson,
    body: '{}\n'.repeat(10_001),
    status: 413,
    code: 'too-many-lines',
  },
];

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('bad input', () => {
  let engine: Engine;
  let api: ApiClient;

  beforeAll(async () => {
    engine = await startEngine();
    api = new ApiClient(engine.url);
    await api.post('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
    await api.post('/v1/rooms', { roomId: 'r1', creatorId: 'cleo' });
    await api.keyed('/v1/wallets/ann/purchases', 'k-good', { ...SOUND_PURCHASE, coins: 1_000, paymentId: 'p-0' });
  }, 60_000);

  afterAll(() => engine.dispose());

  it('names a key that is there twice, in a body and in a line', async () => {
    const body = JSON.stringify(SOUND_PURCHASE).replace('"currency"', '"amountMinor":1,"currency"');
    const { body: answer } = await api.post('/v1/wallets/ann/purchases', body, keyed);
    expect(answer['errors']).toMatchObject([{ path: 'body.price.amountMinor', rule: 'duplicateKey' }]);
    const line = '{"idempotencyKey":"k-twice","roomId":"r1","viewerId":"ann","gift":"rose","quantity":1,"quantity":99}';
    const sound = { idempotencyKey: 'k-once', roomId: 'r1', viewerId: 'ann', gift: 'rose' };
    const { body: lines } = await api.lines('/v1/gifts/bulk', [line, sound]);
    expect(lines).toMatchObject([
      {
        line: 1,
        status: 'invalid',
        code: 'invalid-request',
        errors: [{ path: 'body.quantity', rule: 'duplicateKey' }],
      },
      { line: 2, status: 'accepted' },
    ]);
    const history =
      '{"importId":"i-1","at":"2016-07-01T01:16:53Z","roomId":"h","creatorId":"h","viewerId":"h","coins":1,"coins":9}';
    const { body: imported } = await api.lines('/v1/history/import', [history]);
    expect(imported).toMatchObject([
      { line: 1, status: 'invalid', errors: [{ path: 'body.coins', rule: 'duplicateKey' }] },
    ]);
  });

  it('does not send back a field name of 65 kB', async () => {
    const { body } = await api.post('/v1/wallets', { viewerId: 'new', ['x'.repeat(65_000)]: 1 }, keyed);
    expect(body).toMatchObject({ status: 400, code: 'invalid-request' });
    expect(JSON.stringify(body).length).toBeLessThan(2_000);
  });

  const logLength = async (): Promise<number> => (await api.events()).length;

  it.each(CASES.map((each) => [each.what, each] as const))(
    '%s',
    async (_what, { method, path, headers, body, status, code }) => {
      const before = await logLength();
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(engine.url + path, {
        method: method ?? 'GET',
        headers: headers ?? {},
        body: text ?? null,
      });
      const answer = (await response.json()) as Record<string, unknown>;
      expect({ status: response.status, code: answer['code'] }).toEqual({ status, code });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer).toMatchObject({
        type: `urn:livegift:problem:${code}`,
        status,
        title: expect.any(String),
        detail: expect.any(String),
      });
      if (code === 'invalid-request') {
        expect(answer['errors']).toEqual(
          expect.arrayContaining([
            {
              path: expect.stringMatching(/^(body|path|query|header)/),
              rule: expect.stringMatching(/^\w+$/),
              message: expect.stringContaining(' '),
            },
          ]),
        );
      }
      expect(JSON.stringify(answer)).not.toMatch(/\bat .*\.(js|ts):\d+/);
      expect(await logLength()).toBe(before);
    },
  );

  it.each(['directly', 'through a proxy'])(
    'a body far too large is told so to who is still sending it, %s',
    async (way) => {
      const backends = () => [{ host: '127.0.0.1', port: engine.port }];
      const door = await openDoor({ host: '127.0.0.1', port: 0, giftApis: backends, roomGateways: backends });
      const url = `${way === 'directly' ? engine.url : door.url}/v1/gifts/bulk`;
      const line = Buffer.from('{}\n'.repeat(100_000));
      const whole = Buffer.concat(Array.from({ length: 130 }, () => line));
      const answer = await fetch(url, { method: 'POST', headers: ndjson, body: whole });
      expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'body-too-large' }]);
      const parts = async function* (): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < 130; sent++) yield line;
      };
      const chunked = await statusOf(url, parts());
      expect(chunked).toBe(413);
      await door.close();
    },
  );

  it.each(['directly', 'through a proxy'])(
    'a command is answered to a client that closes its side, %s',
    async (way) => {
      const backends = () => [{ host: '127.0.0.1', port: engine.port }];
      const door = await openDoor({ host: '127.0.0.1', port: 0, giftApis: backends, roomGateways: backends });
      const body = JSON.stringify({ viewerId: `half-closed-${way.length}`, region: 'DE', ageAssured: true });
      const head = `POST /v1/wallets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
      const socket = connect(way === 'directly' ? engine.port : door.port, '127.0.0.1');
      let answer = '';
      socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
      socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      await new Promise((resolve) => socket.once('close', resolve));
      expect(answer).toMatch(/^HTTP\/1\.1 201 /);
      await door.close();
    },
  );

  it('one bad line of many harms no other, and all are answered in order', async () => {
    const sound = (key: string): object => ({ idempotencyKey: key, roomId: 'r1', viewerId: 'ann', gift: 'rose' });
    const answer = await api.lines('/v1/gifts/bulk', [
      sound('bulk-1'),
      '{"broken":',
      { ...sound('bulk-2'), quantity: -1 },
      { ...sound('bulk-3'), gift: 'no-such-gift' },
      { ...sound('bulk-4'), extra: true },
      'null',
      sound('bulk-5'),
    ]);
    expect(answer.body.map(({ line, status, code }) => [line, status, code])).toEqual([
      [1, 'accepted', undefined],
      [2, 'invalid', 'invalid-request'],
      [3, 'invalid', 'invalid-request'],
      [4, 'refused', 'gift-unknown'],
      [5, 'invalid', 'invalid-request'],
      [6, 'invalid', 'invalid-request'],
      [7, 'accepted', undefined],
    ]);
  });

  it('lines of history are each judged by themselves', async () => {
    const sound = { at: '2016-07-01T00:00:00Z', roomId: 'past', creatorId: 'cleo', viewerId: 'bob', coins: 5 };
    const answer = await api.lines('/v1/history/import', [
      { importId: 'i-1', ...sound },
      { importId: 'i-2', ...sound, at: new Date(Date.now() + 3_600_000).toISOString() },
      { importId: 'i-3', ...sound, coins: 0 },
      { importId: 'i 4', ...sound },
      { importId: 'i-1', ...sound },
      { importId: 'i-1', ...sound, coins: 6 },
      { importId: 'i-5', ...sound, creatorId: 'dora' },
      { importId: 'i-6', ...sound, at: '2016-06-31T00:00:00Z' },
    ]);
    expect(answer.body.map(({ status, code }) => [status, code])).toEqual([
      ['accepted', undefined],
      ['invalid', 'invalid-request'],
      ['invalid', 'invalid-request'],
      ['invalid', 'invalid-request'],
      ['replayed', undefined],
      ['refused', 'import-id-reused'],
      ['refused', 'room-creator-mismatch'],
      ['invalid', 'invalid-request'],
    ]);
  });

  it('bytes that are no HTTP leave it standing', async () => {
    for (const bytes of [
      '\0\0\0\0',
      'GET / HTTP/9.9\r\n\r\n',
      'POST /v1/wallets HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
    ]) {
      await new Promise<void>((done) => {
        const socket = connect(engine.port, '127.0.0.1', () => socket.end(bytes));
        socket.on('data', () => {});
        socket.on('error', () => {});
        socket.on('close', () => done());
      });
    }
    expect((await api.get('/health/live')).status).toBe(200);
  });
});

/** Of a body whose length is not said before. */
function statusOf(url: string, body: AsyncIterable<Buffer>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: 'POST', headers: ndjson }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sending.on('error', reject);
    Readable.from(body).pipe(sending);
  });
}
