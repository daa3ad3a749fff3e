import { OriginPolicy } from '@livegift/process';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { createTelemetry } from '@livegift/observability';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { configureGatewayHttp, createGatewayHttp } from './gateway-http.js';
import { ROOM_GATEWAY_DEFAULTS, RoomGatewayModule } from './room-gateway.module.js';

const clock = { now: () => 0, elapsedMs: () => 0 };
const never = { after: () => ({ cancel: () => {} }) };

describe('the HTTP of a gateway by itself', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
    const module = RoomGatewayModule.register({
      origins: OriginPolicy.ofThisMachine(),
      fanOut: createMemoryFanOut({ clock, retainMs: 1_000, retainMessagesMax: 10, sourcePartitionCount: 1 }),
      readModel: createMemoryReadModel(),
      storeId: 'a-store',
      clock,
      scheduler: never,
      telemetry,
      config: ROOM_GATEWAY_DEFAULTS,
    });
    app = await NestFactory.create<NestFastifyApplication>(module, createGatewayHttp(), { logger: false });
    configureGatewayHttp(app, { origins: OriginPolicy.ofThisMachine(), telemetry });
    await app.init();
  });

  afterAll(() => app.close());

  it.each([
    ['an id of 65 characters', `/v1/rooms/${'x'.repeat(65)}/events`, 400, 'invalid-request'],
    ['an id of 15,000 characters', `/v1/rooms/${'x'.repeat(15_000)}/events`, 400, 'invalid-request'],
    ['an address that cannot be decoded', '/v1/rooms/%E0%A4%A/events', 400, 'invalid-request'],
    ['a WebSocket that lost its upgrade', '/v1/rooms/room/live', 426, 'upgrade-required'],
    ['an address that nobody has', '/v1/rooms/room/nothing', 404, 'not-found'],
  ])('answers %s', async (_, url, status, code) => {
    const answer = await app.inject({ method: 'GET', url });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect([answer.statusCode, answer.json()]).toMatchObject([status, { status, code }]);
  });
});
