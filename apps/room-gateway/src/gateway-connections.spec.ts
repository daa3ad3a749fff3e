import { OriginPolicy } from '@livegift/process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { silentTelemetry } from '@livegift/kernel';
import { createTelemetry } from '@livegift/observability';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import type { FrameBatch } from '@livegift/room-feed';
import { RawClient, rawRequest } from '@livegift/testing';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventSource } from 'eventsource';
import { configureGatewayHttp, createGatewayHttp, type GatewayDraining } from './gateway-http.js';
import { ROOM_GATEWAY_DEFAULTS, RoomGateway, RoomGatewayModule } from './room-gateway.module.js';
import { SseClient } from './sse-client.js';

const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
const scheduler = {
  after: (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
const EVENTS = rawRequest('GET', '/v1/rooms/lounge/events');
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const handshake = (changed: Readonly<Record<string, string>>): string =>
  rawRequest('GET', '/v1/rooms/lounge/live', { ...HANDSHAKE, ...changed });

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the connections of a gateway', () => {
  let app: NestFastifyApplication;
  let gateway: RoomGateway;
  let draining: GatewayDraining;
  let url: string;
  let catchUp: () => void;
  const clients: RawClient[] = [];

  beforeEach(async () => {
    const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
    const readModel = createMemoryReadModel();
    await readModel.markBuilt(0, null);
    const set = { creatorId: 'cora', title: null, state: 'open', openedAt: '2026-05-13T10:20:30.400Z' };
    const to = '0000000000000001' as never;
    const writes = [{ kind: 'row', table: 'room', id: 'lounge', set }] as const;
    await readModel.apply({ partition: 0, storeId: 'a-store', from: null, to, newestRecordedMs: null, writes });
    const module = RoomGatewayModule.register({
      origins: OriginPolicy.ofThisMachine(),
      fanOut: createMemoryFanOut({ clock, retainMs: 1_000, retainMessagesMax: 10, sourcePartitionCount: 1 }),
      readModel,
      storeId: 'a-store',
      clock,
      scheduler,
      telemetry,
      startsAfter: new Promise((resolve) => {
        catchUp = resolve;
      }),
      config: { ...ROOM_GATEWAY_DEFAULTS, feedWaitMs: 20 },
    });
    app = await NestFactory.create<NestFastifyApplication>(module, createGatewayHttp(), { logger: false });
    const connections = { bodyMsMax: 60, sweepEveryMs: 20 };
    draining = configureGatewayHttp(app, { origins: OriginPolicy.ofThisMachine(), telemetry, connections });
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
    gateway = app.get(RoomGateway);
  });

  const ready = async (): Promise<void> => {
    catchUp();
    await eventually(() => gateway.state().ready);
  };

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    draining.begin();
    await app.close();
  });

  const open = async (bytes: string): Promise<RawClient> => {
    await ready();
    const client = await RawClient.open(url, bytes);
    clients.push(client);
    return client;
  };
  const joined = (): number => gateway.state().connections;
  const openSockets = (): Promise<number> =>
    new Promise((resolve) =>
      (app.getHttpServer() as Server).getConnections((_error: Error | null, count: number) => resolve(count)),
    );

  it('give the place in a room back when the client hangs up while its request waits behind another', async () => {
    const client = await open(EVENTS.repeat(5));
    await eventually(() => joined() === 5);
    client.destroy();
    await eventually(() => joined() === 0);
  });

  it('give the place in a room back when the client closes its side', async () => {
    const client = await open(EVENTS);
    await eventually(() => joined() === 1);
    client.socket.end();
    await eventually(() => joined() === 0);
  });

  it('keep no descriptor of a client that stays half open after its WebSocket was refused', async () => {
    const client = await open(rawRequest('GET', '/v1/rooms/lounge/elsewhere', HANDSHAKE));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 404 [^]*application\/problem\+json/);
    await eventually(async () => (await openSockets()) === 0);
  });

  it('are closed at once by a shutdown while a handshake is half done, or nothing was sent', async () => {
    await Promise.all([open(''), open('GET /v1/rooms/lounge/live HTTP/1.1\r\nUpgrade: webso')]);
    const inRoom = await open(rawRequest('GET', '/v1/rooms/lounge/live', HANDSHAKE));
    await inRoom.until((text) => text.includes('welcome'));
    draining.begin();
    inRoom.socket.on('data', () => inRoom.socket.end());
    await app.close();
    expect(await openSockets().catch(() => 0)).toBe(0);
  });

  it.each([
    ['no HTTP at all', 'HELLO\r\n\r\n', 400, 'invalid-request'],
    ['two hosts', `GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`, 400, 'invalid-request'],
    ['no host', 'GET /v1/rooms/lounge/events HTTP/1.1\r\n\r\n', 400, 'invalid-request'],
    ['an unknown expectation', rawRequest('GET', '/health/live', { expect: 'more' }), 417, 'expectation-failed'],
    ['a handshake without a key', handshake({ 'sec-websocket-key': '' }), 400, 'invalid-request'],
    ['a handshake in another version', handshake({ 'sec-websocket-version': '99' }), 400, 'invalid-request'],
    ['a handshake with POST', handshake({}).replace('GET', 'POST'), 405, 'method-not-allowed'],
    ['a handshake with two hosts', handshake({}).replace('host: ', 'host: b\r\nhost: '), 400, 'invalid-request'],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}`, 431, 'headers-too-large'],
  ])('answer %s with a problem', async (_, bytes, status, code) => {
    const client = await open(bytes);
    await client.until((text) => text.includes(`"code":"${code}"`));
    expect(client.statuses).toEqual([status]);
    expect(client.text.toLowerCase()).toContain('content-type: application/problem+json');
  });

  it('put an EventSource off with a stream that ends while the gateway starts, so that it comes back', async () => {
    const source = new EventSource(`${url}/v1/rooms/lounge/events`);
    const isClosed = (): boolean => source.readyState === source.CLOSED;
    await new Promise((resolve) => source.addEventListener('error', resolve, { once: true }));
    expect(isClosed()).toBe(false);
    const welcome = new Promise((resolve) => source.addEventListener('welcome', resolve, { once: true }));
    await ready();
    await welcome;
    expect(isClosed()).toBe(false);
    source.close();
  });

  it('tell all others that the gateway is starting', async () => {
    const response = await fetch(`${url}/v1/rooms/lounge/events`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ code: 'unavailable' });
  });

  it('never write a 400 into the frames of a room', async () => {
    const client = await open(EVENTS);
    await client.until((text) => text.includes('welcome'));
    client.send('JUNK\r\n\r\n');
    expect(await client.rest()).not.toMatch(/ 400 |problem/);
  });
});

describe('an SSE client that takes nothing', () => {
  it('is cut off after a time, and loses its connection', async () => {
    const left: SseClient[] = [];
    const config = {
      ...ROOM_GATEWAY_DEFAULTS,
      slowClientBytesMax: Number.MAX_SAFE_INTEGER,
      slowClientMsMax: 50,
      closeMsMax: 50,
    };
    let client: SseClient | null = null;
    const server = createServer((request, response) => {
      const parts = {
        gateway: { config, leave: (who: SseClient) => void left.push(who) } as unknown as RoomGateway,
        scheduler,
        telemetry: silentTelemetry,
      };
      client = new SseClient(request, response, () => {}, parts);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const reader = await RawClient.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, EVENTS);
    reader.stopReading();
    await eventually(() => client !== null);
    const frame = Buffer.alloc(1024 * 1024, 'x');
    // More than both ends of the connection buffer.
    for (let written = 0; written < 10; written++) {
      client!.write({ as: () => frame } as unknown as FrameBatch);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => left.length > 0);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    reader.destroy();
  });
});
