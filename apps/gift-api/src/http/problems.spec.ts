import { nameOf } from '@livegift/contracts';
import { OriginPolicy } from '@livegift/process';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { createTelemetry } from '@livegift/observability';
import { InMemoryEventStore } from '@livegift/testing';
import { startGiftApi, type GiftApiServer } from '../gift-api.server.js';

const BULK_BYTES_MAX = 1_048_576;
const BULK_LINES_MAX = 50;
const BODY_BYTES_MAX = 65_536;

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('problems over HTTP', () => {
  let server: GiftApiServer;
  let keys = 0;
  /** What operators are told, of a kind. */
  const told: { readonly kind: 'info' | 'error'; readonly message: string }[] = [];

  beforeAll(async () => {
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const scheduler = {
      after: (ms: number, task: () => void) => {
        const timer = setTimeout(task, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    const readModel = createMemoryReadModel({ clock, scheduler });
    await readModel.markBuilt(0, null);
    server = await startGiftApi({
      parts: {
        store: new InMemoryEventStore('a-store'),
        readModel,
        clock,
        ids: { uuid: () => crypto.randomUUID() },
        scheduler,
        telemetry: {
          ...createTelemetry({ level: 'silent', app: 'spec' }),
          info: (message) => void told.push({ kind: 'info', message }),
          error: (message) => void told.push({ kind: 'error', message }),
        },
        config: { boardUtcOffset: '+00:00', bulkLinesMax: BULK_LINES_MAX },
      },
      http: {
        origins: new OriginPolicy({
          host: '127.0.0.1',
          allowedHosts: [],
          corsOrigins: ['https://platform.example'],
        }),
        bodyBytesMax: BODY_BYTES_MAX,
        bulkBodyBytesMax: BULK_BYTES_MAX,
        drainMsMax: 3_000,
      },
      host: '127.0.0.1',
      port: 0,
    });
    await post('/v1/wallets', { viewerId: 'ann', region: 'DE', ageAssured: true });
    await post('/v1/rooms', { roomId: 'r1', creatorId: 'bela' });
  });

  afterAll(() => server.close());

  const send = async (path: string, init: RequestInit = {}): Promise<Answered> => {
    const response = await fetch(server.url + path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    send(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  const gift = (body: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    post('/v1/rooms/r1/gifts', body, { 'idempotency-key': `k-${++keys}`, ...headers });
  const lines = (path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answered> =>
    send(path, {
      method: 'POST',
      body: body as never,
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    });

  function expectProblem(answered: Answered, status: number, code: string): Record<string, unknown> {
    expect(answered.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = JSON.parse(answered.text) as Record<string, unknown>;
    expect(problem).toMatchObject({ type: `urn:livegift:problem:${code}`, status, code });
    expect(typeof problem['title']).toBe('string');
    expect(typeof problem['detail']).toBe('string');
    expect(answered.status).toBe(status);
    expect(answered.text).not.toMatch(/node_modules|\.ts:|\.js:/);
    return problem;
  }

  const expectInvalid = (answered: Answered, ...errors: (readonly [path: string, rule: string])[]): void => {
    const problem = expectProblem(answered, 400, 'invalid-request');
    // In words the rule begins with the field's name, and the detail says them all.
    const said = errors.map(([path, rule]) => ({
      path,
      rule,
      message: expect.stringMatching(new RegExp(`^${escaped(nameOf(path))} \\w`)) as string,
    }));
    expect(problem['errors']).toEqual(said);
    expect(problem['detail']).not.toBe(problem['title']);
  };

  const right = { viewerId: 'ann', gift: 'rose' };

  describe('a body', () => {
    it('that cannot be parsed', async () => {
      expectInvalid(await gift('{"viewerId":'), ['body', 'json']);
    });

    it.each(['[]', '"text"', '5', 'null', 'true'])('that is %s and no object', async (body) => {
      expectInvalid(await gift(body), ['body', 'isObject']);
    });

    it('that is missing', async () => {
      const key = { 'idempotency-key': 'none' };
      expectInvalid(await send('/v1/rooms/r1/gifts', { method: 'POST', headers: key }), ['body', 'isObject']);
    });

    it('of wrong types', async () => {
      expectInvalid(
        await gift({ viewerId: 7, gift: ['rose'], quantity: '3', message: {}, sender: 'Ann' }),
        ['body.viewerId', 'isId'],
        ['body.gift', 'isId'],
        ['body.quantity', 'isInt'],
        ['body.quantity', 'min'],
        ['body.quantity', 'max'],
        ['body.message', 'isText'],
        ['body.message', 'maxLength'],
        ['body.sender', 'isObject'],
        ['body.sender', 'nestedValidation'],
      );
    });

    it('that is no UTF-8', async () => {
      const bytes = Buffer.from('{"viewerId":"ann","gift":"rose","message":"?"}');
      bytes[bytes.indexOf('?')] = 0xff;
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'bytes' };
      expectInvalid(await send('/v1/rooms/r1/gifts', { method: 'POST', body: bytes as never, headers }), [
        'body',
        'utf8',
      ]);
    });

    it('with a field that nobody knows', async () => {
      expectInvalid(await gift({ ...right, coins: 5 }), ['body.coins', 'unknownField']);
    });

    it('over its limit', async () => {
      expectProblem(await gift({ ...right, message: 'x'.repeat(BODY_BYTES_MAX) }), 413, 'body-too-large');
    });

    it.each([
      ['pollution at the top', '{"viewerId":"ann","gift":"rose","__proto__":{"quantity":9}}'],
      ['pollution by constructor', '{"viewerId":"ann","gift":"rose","constructor":{"prototype":{"x":1}}}'],
      ['pollution in a nested object', '{"viewerId":"ann","gift":"rose","sender":{"name":"a","__proto__":{"x":1}}}'],
      ['escaped pollution', String.raw`{"viewerId":"ann","gift":"rose","\u005f_proto__":{"x":1}}`],
      ['a number beyond all numbers', '{"viewerId":"ann","gift":"rose","quantity":1e400}'],
      ['a huge number', '{"viewerId":"ann","gift":"rose","quantity":123456789012345678901234567890}'],
      ['a fraction', '{"viewerId":"ann","gift":"rose","quantity":1.5}'],
      ['half a surrogate pair', String.raw`{"viewerId":"ann","gift":"rose","message":"\ud800"}`],
      ['a NUL', String.raw`{"viewerId":"ann","gift":"rose","message":"a\u0000b"}`],
      ['deep nesting', `{"viewerId":"ann","gift":"rose","sender":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
      ['a NaN', '{"viewerId":"ann","gift":"rose","quantity":NaN}'],
      ['two values', '{"viewerId":"ann","gift":"rose"}{"viewerId":"ann"}'],
    ])('with %s is refused and changes nothing', async (_, body) => {
      expectProblem(await gift(body), 400, 'invalid-request');
      expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    });

    it('with a key given twice is refused, and the key is named', async () => {
      expectInvalid(await gift('{"viewerId":"ann","viewerId":"ben","gift":"rose"}'), ['body.viewerId', 'duplicateKey']);
    });

    it('for a command that takes none', async () => {
      expectInvalid(await post('/v1/rooms/r9/close', { force: true }), ['body', 'isEmpty']);
      expectProblem(await post('/v1/rooms/r9/close', {}), 404, 'room-not-found');
      expectProblem(await post('/v1/rooms/r9/close', ''), 404, 'room-not-found');
    });
  });

  describe('a media type', () => {
    it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/x-ndjson', 'nonsense'])(
      'of %s where JSON is taken',
      async (type) => {
        expectProblem(await gift(right, { 'content-type': type }), 415, 'unsupported-media-type');
      },
    );

    it('of JSON where lines are taken', async () => {
      expectProblem(await post('/v1/gifts/bulk', '{}'), 415, 'unsupported-media-type');
    });

    it.each(['iso-8859-1', '"utf-16"', 'us-ascii', ''])('in another charset than UTF-8: %s', async (charset) => {
      const type = { 'content-type': `application/json; charset=${charset}` };
      expectProblem(await gift(right, type), 415, 'unsupported-media-type');
      const ofLines = { 'content-type': `application/x-ndjson; charset=${charset}` };
      expectProblem(await lines('/v1/gifts/bulk', '{}', ofLines), 415, 'unsupported-media-type');
    });

    it.each(['; charset=utf-8', ';charset="UTF-8"', '; charset=utf8', '; profile=charset', '; x=1; Charset=utf-8'])(
      'that says UTF-8, or nothing of it: %s',
      async (parameter) => {
        const type = { 'content-type': `application/json${parameter}` };
        expectProblem(await gift({ ...right, viewerId: 'nobody' }, type), 404, 'wallet-not-found');
      },
    );

    it.each(['gzip', 'br', 'whatever'])('with a content encoding (%s)', async (encoding) => {
      expectProblem(await gift(right, { 'content-encoding': encoding }), 415, 'unsupported-media-type');
    });
  });

  describe('an address', () => {
    it('that nobody has', async () => {
      expectProblem(await send('/v1/nothing'), 404, 'not-found');
      expectProblem(await post('/v1/wallets/ann/nothing', {}), 404, 'not-found');
      expectProblem(await send('/v1/wallets/'), 404, 'not-found');
    });

    it('asked by another method, with the ones it has', async () => {
      const answered = await send('/v1/wallets/ann/purchases', { method: 'DELETE' });
      expectProblem(answered, 405, 'method-not-allowed');
      expect(answered.headers.get('allow')).toBe('GET, HEAD, POST');
    });

    it('asked by another method where another address has a place for an id', async () => {
      for (const method of ['GET', 'DELETE']) {
        const answered = await send('/v1/gifts/bulk', { method });
        expectProblem(answered, 405, 'method-not-allowed');
        expect(answered.headers.get('allow')).toBe('POST');
      }
    });

    it('asked for its options by no browser', async () => {
      const known = await send('/v1/wallets/ann/purchases', { method: 'OPTIONS' });
      expectProblem(known, 405, 'method-not-allowed');
      expect(known.headers.get('allow')).toBe('GET, HEAD, POST');
      expectProblem(await send('/v1/nothing', { method: 'OPTIONS' }), 404, 'not-found');
    });

    it.each(['/v1/wallets/a%20b', '/v1/rooms/%C3%BC', `/v1/creators/${'x'.repeat(65)}`, '/v1/wallets/a%2Fb'])(
      'with an id that is none: %s',
      async (path) => {
        const problem = expectProblem(await send(path), 400, 'invalid-request');
        expect(problem['errors']).toEqual([expect.objectContaining({ rule: 'isId' })]);
      },
    );

    it.each([257, 5_000, 15_000])('with an id of %d characters', async (length) => {
      const id = 'x'.repeat(length);
      expectInvalid(await send(`/v1/wallets/${id}`), ['path.viewerId', 'isId']);
      expectInvalid(await send(`/v1/gifts/${id}`), ['path.giftId', 'isId']);
      const key = { 'idempotency-key': 'long' };
      expectInvalid(await post(`/v1/rooms/${id}/gifts`, right, key), ['path.roomId', 'isId']);
      expectProblem(await send(`/v1/${id}`), 404, 'not-found');
      expectProblem(await send(`/v1/rooms/${id}/gifts`, { method: 'DELETE' }), 405, 'method-not-allowed');
    });

    it('that is broken', async () => {
      expectProblem(await send('/v1/wallets/%E0%A4%A'), 400, 'invalid-request');
    });
  });

  describe('a query', () => {
    it.each([
      ['/v1/wallets/ann?x=1', 'query.x', 'unknownField'],
      ['/v1/wallets/ann?after=7', 'query.after', 'isPosition'],
      ['/v1/wallets/ann?after=', 'query.after', 'isPosition'],
      ['/v1/wallets/ann/gifts?limit=101', 'query.limit', 'max'],
      ['/v1/wallets/ann/gifts?limit=0', 'query.limit', 'min'],
      ['/v1/rooms?state=ajar', 'query.state', 'isIn'],
      ['/v1/rooms?creatorId=a%20b', 'query.creatorId', 'isId'],
      ['/v1/leaderboards/gifters?window=year', 'query.window', 'isIn'],
      ['/v1/leaderboards/gifters?at=2016-02-30T00:00:00Z', 'query.at', 'isInstant'],
      ['/v1/leaderboards/gifters?at=yesterday', 'query.at', 'isInstant'],
      ['/v1/leaderboards/gifters?at=%2B010000-01-01T00:00:00Z', 'query.at', 'isInstant'],
      ['/v1/leaderboards/gifters?at=9999-12-31T23:59:59Z&window=hour', 'query.at', 'periodInYears0To9999'],
      ['/v1/leaderboards/gifters?at=9999-12-27T00:00:00Z&window=week', 'query.at', 'periodInYears0To9999'],
      ['/v1/leaderboards/gifters?at=9999-12-01T00:00:00Z&window=month', 'query.at', 'periodInYears0To9999'],
      ['/v1/leaderboards/gifters?at=0000-01-01T00:00:00Z&window=week', 'query.at', 'periodInYears0To9999'],
      ['/v1/leaderboards/rooms/nowhere/gifters?at=9999-12-31T00:00:00Z&window=day', 'query.at', 'periodInYears0To9999'],
      ['/v1/leaderboards/gifters?from=0', 'query.from', 'min'],
      ['/v1/leaderboards/gifters?from=9007199254740992', 'query.from', 'max'],
      ['/v1/leaderboards/gifters?from=1&around=ann', 'query.around', 'notTogetherWithFrom'],
      ['/v1/events?limit=10001', 'query.limit', 'max'],
      ['/v1/events?follow=yes', 'query.follow', 'isIn'],
      ['/v1/events?types=GiftSent,,RoomOpened', 'query.types', 'unknownEventType'],
      ['/v1/events?types=GiftSnet', 'query.types', 'unknownEventType'],
      ['/v1/events?types=toString', 'query.types', 'unknownEventType'],
    ])('%s', async (path, at, rule) => {
      expectInvalid(await send(path), [at, rule]);
    });

    it.each([
      ['at=9999-12-31T22:59:59Z&window=hour', '9999-12-31T23:00:00Z'],
      ['at=9999-12-30T23:59:59Z&window=day', '9999-12-31T00:00:00Z'],
      ['at=0000-01-01T00:00:00Z&window=day', '0000-01-02T00:00:00Z'],
      ['at=9999-12-31T23:59:59Z', null],
    ])('for the last period and the first that a time can tell: %s', async (query, endsAt) => {
      const { status, text } = await send(`/v1/leaderboards/gifters?${query}`);
      expect([status, JSON.parse(text)]).toMatchObject([200, { window: { endsAt } }]);
    });

    it('for the last of all ranks', async () => {
      const { status, text } = await send('/v1/leaderboards/gifters?from=9007199254740991');
      expect([status, JSON.parse(text)]).toMatchObject([200, { entries: [] }]);
    });

    it('that says a thing twice, or in words', async () => {
      expectProblem(await send('/v1/wallets/ann/gifts?limit=1&limit=2'), 400, 'invalid-request');
      expectProblem(await send('/v1/wallets/ann/gifts?limit=ten'), 400, 'invalid-request');
    });

    it('on a command', async () => {
      const answered = await post('/v1/rooms/r1/gifts?dry=1', right, { 'idempotency-key': 'q' });
      expectInvalid(answered, ['query.dry', 'unknownParameter']);
    });

    it.each([
      ['/v1/wallets/nobody', 'wallet-not-found'],
      ['/v1/wallets/nobody/gifts', 'wallet-not-found'],
      ['/v1/wallets/nobody/purchases', 'wallet-not-found'],
      ['/v1/creators/nobody', 'creator-not-found'],
      ['/v1/creators/nobody/gifts', 'creator-not-found'],
      ['/v1/rooms/nowhere', 'room-not-found'],
      ['/v1/rooms/nowhere/gifts', 'room-not-found'],
      ['/v1/gifts/nobody.1', 'gift-not-found'],
      ['/v1/gifts/nogift', 'gift-not-found'],
      ['/v1/leaderboards/rooms/nowhere/gifters', 'room-not-found'],
      ['/v1/leaderboards/creators/nobody/gifters', 'creator-not-found'],
    ])('for what is not there: %s', async (path, code) => {
      expectProblem(await send(path), 404, code);
    });
  });

  describe('an idempotency key', () => {
    it('that is missing where it is needed, said after what else is wrong', async () => {
      expectProblem(await post('/v1/rooms/r1/gifts', right), 400, 'idempotency-key-required');
      expectInvalid(await post('/v1/rooms/r1/gifts', { ...right, x: 1 }), ['body.x', 'unknownField']);
    });

    it.each([['x'.repeat(129)], ['k\u00fc']])('that is none: %s', async (key) => {
      expectInvalid(await gift(right, { 'idempotency-key': key }), ['header.idempotency-key', 'isKey']);
    });

    it('that comes twice', async () => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': ['a', 'b'] };
      const text = await new Promise<string>((resolve, reject) => {
        const request = httpRequest(`${server.url}/v1/rooms/r1/gifts`, { method: 'POST', headers }, (response) => {
          response.setEncoding('utf8').once('data', resolve);
        });
        request.once('error', reject).end(JSON.stringify(right));
      });
      expect(JSON.parse(text)).toMatchObject({
        status: 400,
        errors: [{ path: 'header.idempotency-key', rule: 'isKey' }],
      });
      expect((await gift(right, { 'idempotency-key': 'one, comma' })).status).not.toBe(400);
    });

    it('is refused with another body, and answers the same again with the same', async () => {
      const buy = (coins: number): Promise<Answered> =>
        post(
          '/v1/wallets/ann/purchases',
          { coins, price: { amountMinor: 100, currency: 'EUR' }, provider: 'shop', paymentId: 'pay-1' },
          { 'idempotency-key': 'buy-1' },
        );
      const first = await buy(100);
      expect(first.status).toBe(201);
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      const again = await buy(100);
      expect(again.text).toBe(first.text);
      expect(again.status).toBe(201);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expectProblem(await buy(101), 422, 'idempotency-key-reused');
    });
  });

  describe('lines', () => {
    const bulkLine = (key: string, more: object = {}): string =>
      JSON.stringify({ idempotencyKey: key, roomId: 'r1', viewerId: 'ann', gift: 'rose', ...more });
    const answersOf = ({ text }: Answered): Record<string, unknown>[] =>
      text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));

    it('are answered in order, and a bad one harms no other', async () => {
      const sent = [bulkLine('l1'), 'no json', bulkLine('l2', { x: 1 }), '', bulkLine('l1'), bulkLine('l3')];
      const answered = await lines('/v1/gifts/bulk', `${sent.join('\n')}\n\n`);
      expect(answered.status).toBe(200);
      expect(answered.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
      const answers = answersOf(answered);
      expect(answers.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(answers.map(({ status }) => status)).toEqual([
        'accepted',
        'invalid',
        'invalid',
        'invalid',
        'replayed',
        'accepted',
      ]);
      expect(answers[2]).toEqual({
        line: 3,
        status: 'invalid',
        code: 'invalid-request',
        errors: [{ path: 'body.x', rule: 'unknownField', message: 'x is not a known field' }],
      });
    });

    it('that are too many are all refused', async () => {
      const body = Array.from({ length: BULK_LINES_MAX + 1 }, (_, i) => bulkLine(`many-${i}`)).join('\n');
      expectProblem(await lines('/v1/gifts/bulk', body), 413, 'too-many-lines');
      expect(answersOf(await lines('/v1/gifts/bulk', bulkLine('many-0')))[0]).toMatchObject({ status: 'accepted' });
    });

    it('that are too large together are all refused', async () => {
      expectProblem(await lines('/v1/history/import', 'x'.repeat(BULK_BYTES_MAX + 1)), 413, 'body-too-large');
    });

    it('that are too long by themselves are not even parsed', async () => {
      const [answer] = answersOf(await lines('/v1/gifts/bulk', '['.repeat(100_000)));
      expect(answer).toMatchObject({ status: 'invalid', errors: [{ path: 'body', rule: 'maxBytes' }] });
    });

    it('that are not UTF-8 are invalid', async () => {
      const [answer] = answersOf(await lines('/v1/gifts/bulk', Buffer.from([0x22, 0xff, 0xfe, 0x22])));
      expect(answer).toMatchObject({ status: 'invalid', errors: [{ path: 'body', rule: 'utf8' }] });
    });

    it('of history lie in the past', async () => {
      const line = { importId: 'i1', at: '2999-01-01T00:00:00Z', roomId: 'r', creatorId: 'c', viewerId: 'v', coins: 1 };
      const [answer] = answersOf(await lines('/v1/history/import', JSON.stringify(line)));
      expect(answer).toMatchObject({ status: 'invalid', errors: [{ path: 'body.at', rule: 'notInFuture' }] });
    });

    it('may be none', async () => {
      const answered = await lines('/v1/gifts/bulk', '');
      expect([answered.status, answered.text]).toEqual([200, '']);
    });
  });

  describe('headers', () => {
    it('carry a sane correlation id back, and a fresh one otherwise', async () => {
      const sane = await send('/health/live', { headers: { 'x-correlation-id': 'order-7' } });
      expect(sane.headers.get('x-correlation-id')).toBe('order-7');
      const odd = await send('/health/live', { headers: { 'x-correlation-id': 'a b<c>' } });
      expect(odd.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('let only listed origins in, and show them what they need', async () => {
      const listed = await send('/v1/rooms', { headers: { origin: 'https://platform.example' } });
      expect(listed.headers.get('access-control-allow-origin')).toBe('https://platform.example');
      expect(listed.headers.get('access-control-expose-headers')).toMatch(/Idempotency-Replayed.*Retry-After/);
      const other = await send('/v1/rooms', { headers: { origin: 'https://other.example' } });
      expect(other.headers.get('access-control-allow-origin')).toBeNull();
    });

    it('let a listed origin read what is refused before it is looked at', async () => {
      const origin = 'https://platform.example';
      const packed = await post('/v1/wallets', '{}', { origin, 'content-encoding': 'gzip' });
      expectProblem(packed, 415, 'unsupported-media-type');
      expect(packed.headers.get('access-control-allow-origin')).toBe(origin);
    });

    const encodingOf = (path: string, method = 'GET', body = ''): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { 'accept-encoding': 'gzip', 'content-type': 'application/x-ndjson' };
        const asked = httpRequest(server.url + path, { method, headers });
        asked.on('response', (response) => {
          response.resume();
          resolve(response.headers['content-encoding']);
        });
        asked.on('error', reject).end(body);
      });

    it('compress answers over a kilobyte when asked, those of many lines too', async () => {
      expect(await encodingOf('/v1/catalogue/gifts')).toBe('gzip');
      expect(await encodingOf('/v1/gifts/bulk', 'POST', '{}\n'.repeat(BULK_LINES_MAX))).toBe('gzip');
      expect(await encodingOf('/v1/gifts/bulk', 'POST', '{\n')).toBeUndefined();
    });
  });

  it('calls it no failure when a client goes in the middle of a long request', async () => {
    const { port } = new URL(server.url);
    const head =
      'POST /v1/gifts/bulk HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\ntransfer-encoding: chunked\r\n';
    const line = '{"idempotencyKey":"gone"}\n';
    const chunk = `${line.length.toString(16)}\r\n${line}\r\n`;
    told.length = 0;
    // Nothing says from outside that the request is being handled: on a busy machine it is tried again with more time.
    for (let patienceMs = 50; told.length === 0; patienceMs *= 2) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`${head}content-type: application/x-ndjson\r\n\r\n${chunk}`);
      await new Promise((later) => setTimeout(later, patienceMs));
      socket.destroy();
      await new Promise((later) => setTimeout(later, patienceMs));
    }
    expect(told).toEqual([{ kind: 'info', message: 'a client has gone before its answer' }]);
  });

  it('answers what is no HTTP at all with a problem, and goes on', async () => {
    const { port } = new URL(server.url);
    const said = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('HELLO\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('urn:livegift:problem:invalid-request');
    expect((await send('/health/live')).status).toBe(200);
  });
});
