import { OriginPolicy } from '@livegift/process';
import { createTelemetry } from '@livegift/observability';
import { batchesOf } from '@livegift/projections';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import type { ReadModel } from '@livegift/read-model';
import { InMemoryEventStore } from '@livegift/testing';
import { startGiftApi, type GiftApiServer } from '../../gift-api.server.js';
import { RouteTable } from '../route-table.js';
import { ANSWER_SCHEMAS } from './answer-schemas.js';
import type { JsonSchema } from './body-schema.js';

type Media = Readonly<
  Record<string, { readonly schema: JsonSchema; readonly example?: unknown; readonly examples?: Examples }>
>;
type Examples = Readonly<Record<string, { readonly value: unknown }>>;
/** Served by the room gateway. */
const ROOMS_LIVE: readonly string[] = ['/v1/rooms/{roomId}/events', '/v1/rooms/{roomId}/live'];

interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Media };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Media }>>;
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** Of JSON Schema what the document uses; anything else in it is an error. */
function faults(schema: JsonSchema, value: unknown, at = '$'): string[] {
  const { type } = schema;
  if (type !== undefined && typeOf(value) !== type) return [`${at}: not ${type as string}`];
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    switch (keyword) {
      case '$ref':
        return faults(ANSWER_SCHEMAS[(rule as string).split('/').at(-1)!]!, value, at);
      case 'anyOf': {
        const found = (rule as JsonSchema[]).map((one) => faults(one, value, at));
        return found.some((one) => one.length === 0) ? [] : found.flat();
      }
      case 'const':
        return value === rule ? [] : [`${at}: not ${String(rule)}`];
      case 'not':
        return faults(rule as JsonSchema, value, at).length > 0 ? [] : [`${at}: not allowed`];
      case 'enum':
        return (rule as unknown[]).includes(value) ? [] : [`${at}: not in enum`];
      case 'pattern':
        return new RegExp(rule as string).test(String(value)) ? [] : [`${at}: pattern`];
      case 'format':
        return Number.isNaN(Date.parse(String(value))) ? [`${at}: no time`] : [];
      case 'minimum':
        return (value as number) >= (rule as number) ? [] : [`${at}: below minimum`];
      case 'maximum':
        return (value as number) <= (rule as number) ? [] : [`${at}: above maximum`];
      case 'maxLength':
        return (value as string).length <= (rule as number) ? [] : [`${at}: too long`];
      case 'required':
        return (rule as string[])
          .filter((name) => !Object.hasOwn(value as object, name))
          .map((name) => `${at}.${name}: missing`);
      case 'properties': {
        const known = rule as Readonly<Record<string, JsonSchema>>;
        return Object.entries(value as object).flatMap(([name, field]) =>
          known[name] === undefined ? [`${at}.${name}: not described`] : faults(known[name], field, `${at}.${name}`),
        );
      }
      case 'items':
        return (value as unknown[]).flatMap((item, i) => faults(rule as JsonSchema, item, `${at}[${i}]`));
      case 'type':
      case 'description':
      case 'examples':
      case 'additionalProperties':
        return [];
      default:
        return [`${at}: the keyword ${keyword} is not understood here`];
    }
  });
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

describe('the OpenAPI document', () => {
  const store = new InMemoryEventStore('a-store');
  let readModel: ReadModel;
  let server: GiftApiServer;
  let paths: Paths;

  beforeAll(async () => {
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const scheduler = {
      after: (ms: number, task: () => void) => {
        const timer = setTimeout(task, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    readModel = createMemoryReadModel({ clock, scheduler, retentionMs: 365 * 86_400_000 });
    await readModel.markBuilt(0, null);
    server = await startGiftApi({
      parts: {
        store,
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
      host: '127.0.0.1',
      port: 0,
    });
    await eventually(async () => (await fetch(`${server.url}/health/ready`)).status === 200);
    paths = ((await (await fetch(`${server.url}/v1/openapi.json`)).json()) as { paths: Paths }).paths;
  });

  afterAll(() => server.close());

  async function eventually(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** What the projector does, once. */
  async function project(): Promise<void> {
    const from = (await readModel.checkpoint(0))?.position ?? null;
    const events = await store.readAll({ after: from, limit: 10_000 });
    const to = events.at(-1)?.position;
    if (to === undefined) return;
    const span = { storeId: store.storeId, from: [from], to, nowMs: Date.now() };
    for (const batch of batchesOf(events, span)) await readModel.apply(batch);
  }

  const operations = (): (readonly [path: string, method: string, operation: Operation])[] =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [path, method.toUpperCase(), operation] as const),
    );

  function addressOf(path: string, operation: Operation): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const parameter = operation.parameters?.find((one) => one.in === 'path' && one.name === name);
      return encodeURIComponent((parameter!.schema['examples'] as [string])[0]);
    });
  }

  function bodyOf(operation: Operation): { type: string; text: string } | null {
    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (type === undefined || media === undefined) return null;
    const example = media.example ?? Object.values(media.examples ?? {})[0]?.value;
    return { type, text: typeof example === 'string' ? example : JSON.stringify(example) };
  }

  async function sendExample(path: string, method: string): Promise<Response> {
    const operation = paths[path]![method.toLowerCase()]!;
    const body = bodyOf(operation);
    return fetch(server.url + addressOf(path, operation), {
      method,
      headers: { 'idempotency-key': `example ${path}`, ...(body && { 'content-type': body.type }) },
      body: body?.text,
    });
  }

  it('shows each operation once, under one tag', () => {
    for (const [path, method, { tags }] of operations())
      expect([method, path, tags]).toEqual([method, path, [tags![0]]]);
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has the live rooms, which another process of the deployment may answer', () => {
    for (const path of ROOMS_LIVE) expect(Object.keys(paths[path] ?? {})).toEqual(['get']);
  });

  it('describes every route that there is, and no other', () => {
    const routes = new RouteTable();
    const ours = operations().filter(([path]) => !ROOMS_LIVE.includes(path));
    for (const [path, method] of ours) routes.add(method, path.replaceAll(/\{(\w+)\}/g, ':$1'));
    const isDescribed = (path: string, method: string): boolean => routes.methodsOf(path).includes(method);
    const there = server.app.getHttpAdapter().getInstance() as unknown as {
      hasRoute(route: { method: string; url: string }): boolean;
    };
    for (const { url, methods } of routes.urls) {
      for (const method of methods) expect([method, url, there.hasRoute({ method, url })]).toEqual([method, url, true]);
    }
    expect(isDescribed('/v1/events', 'GET')).toBe(true);
    expect(routes.urls.map(({ url }) => url).sort()).toEqual([
      '/health/live',
      '/health/ready',
      '/metrics',
      '/v1/catalogue/gifts',
      '/v1/creators/:creatorId',
      '/v1/creators/:creatorId/gifts',
      '/v1/events',
      '/v1/gifts/:giftId',
      '/v1/gifts/bulk',
      '/v1/history/import',
      '/v1/leaderboards/creators',
      '/v1/leaderboards/creators/:creatorId/gifters',
      '/v1/leaderboards/gifters',
      '/v1/leaderboards/rooms/:roomId/gifters',
      '/v1/rooms',
      '/v1/rooms/:roomId',
      '/v1/rooms/:roomId/close',
      '/v1/rooms/:roomId/gifts',
      '/v1/wallets',
      '/v1/wallets/:viewerId',
      '/v1/wallets/:viewerId/gifts',
      '/v1/wallets/:viewerId/purchases',
    ]);
  });

  it('has examples that are right by its own schemas', () => {
    for (const [path, method, { requestBody, responses }] of operations()) {
      const media = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
      for (const [type, { schema, example, examples }] of media.flatMap((content) => Object.entries(content ?? {}))) {
        if (type === 'text/event-stream') continue;
        const values = [example, ...Object.values(examples ?? {}).map(({ value }) => value)].filter(
          (one) => one !== undefined,
        );
        expect([method, path, type, values.length > 0]).toEqual([method, path, type, true]);
        for (const value of values) {
          const found = faults(schema, type.includes('ndjson') ? JSON.parse(value as string) : value);
          expect([method, path, found]).toEqual([method, path, []]);
        }
      }
    }
  });

  it('has example requests that a fresh server accepts, with answers as described', async () => {
    const commands = [
      ['/v1/wallets', 'POST'],
      ['/v1/wallets/{viewerId}', 'PUT'],
      ['/v1/wallets/{viewerId}/purchases', 'POST'],
      ['/v1/rooms', 'POST'],
      ['/v1/rooms/{roomId}/gifts', 'POST'],
      ['/v1/gifts/bulk', 'POST'],
      ['/v1/history/import', 'POST'],
    ] as const;
    for (const [path, method] of commands) await expectAccepted(path, method);
    await project();
    for (const [path, method] of operations()) {
      if (method === 'GET' && !ROOMS_LIVE.includes(path)) await expectAccepted(path, method);
    }
    await expectAccepted('/v1/rooms/{roomId}/close', 'POST');
  });

  async function expectAccepted(path: string, method: string): Promise<void> {
    const response = await sendExample(path, method);
    const text = await response.text();
    const described = paths[path]![method.toLowerCase()]!.responses[String(response.status)];
    expect([method, path, response.status < 300, text]).toEqual([method, path, true, text]);
    expect([method, path, described !== undefined]).toEqual([method, path, true]);
    const type = response.headers.get('content-type')!.split(';')[0]!;
    const media = described!.content ?? {};
    expect([method, path, Object.keys(media)]).toEqual([method, path, expect.arrayContaining([type])]);
    if (!type.endsWith('json')) return;
    const { schema } = media[type]!;
    const values = type.includes('ndjson')
      ? text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown)
      : [JSON.parse(text)];
    for (const value of values) expect([method, path, faults(schema, value)]).toEqual([method, path, []]);
  }

  describe('declares the problems that are', () => {
    const json = { 'content-type': 'application/json' };
    const key = (): Record<string, string> => ({ ...json, 'idempotency-key': crypto.randomUUID() });
    const purchase = { coins: 5, price: { amountMinor: 5, currency: 'EUR' }, provider: 'shop', paymentId: 'p-9' };
    const gift = { viewerId: 'dora', gift: 'rose' };
    const old = '/v1/leaderboards/gifters?window=day&at=2001-01-01T00:00:00Z';

    beforeAll(async () => {
      const send = (path: string, body: unknown): Promise<Response> =>
        fetch(server.url + path, { method: 'POST', headers: key(), body: JSON.stringify(body) });
      await send('/v1/wallets', { viewerId: 'dora', region: 'FR', ageAssured: true });
      await send('/v1/wallets', { viewerId: 'kid', region: 'FR', ageAssured: false });
      await send('/v1/wallets', { viewerId: 'emil', region: 'FR', ageAssured: true });
      await send('/v1/wallets/dora/purchases', { ...purchase, paymentId: 'p-0' });
      await send('/v1/rooms', { roomId: 'open', creatorId: 'emil' });
      await send('/v1/rooms', { roomId: 'shut', creatorId: 'emil' });
      await send('/v1/rooms/shut/close', {});
      await send('/v1/rooms/open/gifts', gift);
      await project();
    });

    it.each([
      [
        'POST',
        '/v1/wallets',
        '/v1/wallets',
        json,
        { viewerId: 'dora', region: 'DE', ageAssured: true },
        'wallet-exists',
      ],
      ['PUT', '/v1/wallets/{viewerId}', '/v1/wallets/x', json, { region: 'DE', ageAssured: true }, 'wallet-not-found'],
      ['POST', '/v1/wallets/{viewerId}/purchases', '/v1/wallets/x/purchases', key(), purchase, 'wallet-not-found'],
      ['POST', '/v1/wallets/{viewerId}/purchases', '/v1/wallets/kid/purchases', key(), purchase, 'age-not-assured'],
      [
        'POST',
        '/v1/wallets/{viewerId}/purchases',
        '/v1/wallets/x/purchases',
        json,
        purchase,
        'idempotency-key-required',
      ],
      [
        'POST',
        '/v1/wallets/{viewerId}/purchases',
        '/v1/wallets/emil/purchases',
        key(),
        { ...purchase, paymentId: 'p-0' },
        'payment-already-used',
      ],
      ['POST', '/v1/rooms', '/v1/rooms', json, { roomId: 'open', creatorId: 'dora' }, 'room-exists'],
      ['POST', '/v1/rooms/{roomId}/close', '/v1/rooms/x/close', json, {}, 'room-not-found'],
      [
        'POST',
        '/v1/rooms/{roomId}/gifts',
        '/v1/rooms/open/gifts',
        key(),
        { ...gift, viewerId: 'x' },
        'wallet-not-found',
      ],
      ['POST', '/v1/rooms/{roomId}/gifts', '/v1/rooms/x/gifts', key(), gift, 'room-not-found'],
      ['POST', '/v1/rooms/{roomId}/gifts', '/v1/rooms/shut/gifts', key(), gift, 'room-closed'],
      ['POST', '/v1/rooms/{roomId}/gifts', '/v1/rooms/open/gifts', key(), { ...gift, gift: 'x' }, 'gift-unknown'],
      [
        'POST',
        '/v1/rooms/{roomId}/gifts',
        '/v1/rooms/open/gifts',
        key(),
        { ...gift, gift: 'universe', quantity: 999_999 },
        'amount-limit',
      ],
      [
        'POST',
        '/v1/rooms/{roomId}/gifts',
        '/v1/rooms/open/gifts',
        key(),
        { ...gift, viewerId: 'kid' },
        'age-not-assured',
      ],
      [
        'POST',
        '/v1/rooms/{roomId}/gifts',
        '/v1/rooms/open/gifts',
        key(),
        { ...gift, viewerId: 'emil' },
        'cannot-gift-self',
      ],
      [
        'POST',
        '/v1/rooms/{roomId}/gifts',
        '/v1/rooms/open/gifts',
        key(),
        { ...gift, gift: 'universe' },
        'balance-too-low',
      ],
      ['GET', '/v1/wallets/{viewerId}', '/v1/wallets/x', {}, undefined, 'wallet-not-found'],
      ['GET', '/v1/creators/{creatorId}', '/v1/creators/x', {}, undefined, 'creator-not-found'],
      ['GET', '/v1/rooms/{roomId}', '/v1/rooms/x', {}, undefined, 'room-not-found'],
      ['GET', '/v1/gifts/{giftId}', '/v1/gifts/x.1', {}, undefined, 'gift-not-found'],
      ['GET', '/v1/leaderboards/gifters', old, {}, undefined, 'period-expired'],
    ] as const)('%s %s: %#', async (method, path, address, headers, body, code) => {
      const init: RequestInit = { method, headers };
      if (body !== undefined) init.body = JSON.stringify(body);
      const response = await fetch(server.url + address, init);
      const problem = (await response.json()) as { code: string };
      expect(problem.code).toBe(code);
      const declared = paths[path]![method.toLowerCase()]!.responses[String(response.status)];
      expect(declared?.description).toContain(`\`${code}\``);
      expect(faults(ANSWER_SCHEMAS['Problem']!, withoutExtra(problem))).toEqual([]);
    });

    it('also that a read model is being rebuilt', async () => {
      await readModel.drop(0);
      const asked = await Promise.all(
        ['/v1/wallets/dora', '/v1/creators/emil', '/v1/rooms/open', '/v1/rooms', '/v1/leaderboards/gifters'].map(
          async (path) => (await fetch(server.url + path)).status,
        ),
      );
      expect(asked).toEqual([503, 503, 503, 503, 503]);
      const response = await fetch(`${server.url}/v1/rooms/open`);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({ code: 'read-model-rebuilding' });
    });
  });

  /** `balance` and `required` stand on one problem only. */
  function withoutExtra(problem: object): object {
    return Object.fromEntries(
      Object.entries(problem).filter(([name]) =>
        ['type', 'title', 'status', 'detail', 'code', 'errors'].includes(name),
      ),
    );
  }

  it('can be browsed with nothing from elsewhere', async () => {
    const page = await (await fetch(`${server.url}/docs`)).text();
    expect(page).not.toMatch(/https?:\/\//);
    for (const [, asset] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const response = await fetch(server.url + asset!);
      expect([asset, response.status, (await response.text()).length > 0]).toEqual([asset, 200, true]);
    }
  });
});
