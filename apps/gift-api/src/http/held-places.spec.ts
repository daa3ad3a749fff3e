import { OriginPolicy } from '@livegift/process';
import type { Server } from 'node:http';
import { EventStoreError } from '@livegift/event-store';
import { createTelemetry, type ProcessTelemetry } from '@livegift/observability';
import type { HttpConnectionLimits } from '@livegift/process';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { InMemoryEventStore, RawClient, rawRequest } from '@livegift/testing';
import { startGiftApi, type GiftApiServer } from '../gift-api.server.js';
import type { StreamLimits } from './streams.js';

const LINE_BODIES_AT_ONCE_MAX = 16;
const EAGER: Partial<HttpConnectionLimits> = { bodyMsMax: 60, sweepEveryMs: 20 };
const LINES = { 'content-type': 'application/x-ndjson' };
const FOLLOW = rawRequest('GET', '/v1/events?follow=true');

describe('what a request holds is given back', () => {
  let telemetry: ProcessTelemetry;
  const clients: RawClient[] = [];
  let store: InMemoryEventStore;
  let server: GiftApiServer;

  const start = async (
    more: { readonly connections?: Partial<HttpConnectionLimits>; readonly streams?: Partial<StreamLimits> } = {},
  ): Promise<void> => {
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const scheduler = {
      after: (ms: number, task: () => void) => {
        const timer = setTimeout(task, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    telemetry = createTelemetry({ level: 'silent', app: 'spec' });
    store = new InMemoryEventStore('a-store');
    const readModel = createMemoryReadModel({ clock, scheduler });
    await readModel.markBuilt(0, null);
    server = await startGiftApi({
      parts: {
        store,
        readModel,
        clock,
        ids: { uuid: () => crypto.randomUUID() },
        scheduler,
        telemetry,
        config: { boardUtcOffset: '+00:00', bulkLinesMax: 10, streams: more.streams },
      },
      http: {
        origins: OriginPolicy.ofThisMachine(),
        bodyBytesMax: 65_536,
        bulkBodyBytesMax: 100_000,
        drainMsMax: 3_000,
        connections: more.connections,
      },
      host: '127.0.0.1',
      port: 0,
    });
  };

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.close();
  });

  const open = async (bytes: string): Promise<RawClient> => {
    const client = await RawClient.open(server.url, bytes);
    clients.push(client);
    return client;
  };
  const sixteen = (bytes: string): Promise<RawClient[]> =>
    Promise.all(Array.from({ length: LINE_BODIES_AT_ONCE_MAX }, () => open(bytes)));
  const bulk = async (): Promise<number> => {
    const response = await fetch(`${server.url}/v1/gifts/bulk`, { method: 'POST', headers: LINES, body: 'x' });
    await response.arrayBuffer();
    return response.status;
  };
  const gauge = async (name: string): Promise<number> =>
    Number(new RegExp(`livegift_${name} (\\d+)`).exec(await telemetry.metricsText())?.[1] ?? 0);
  async function eventually(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const openSockets = (): Promise<number> =>
    new Promise((resolve) =>
      (server.app.getHttpServer() as Server).getConnections((_error: Error | null, count: number) => resolve(count)),
    );
  const served = (): Promise<void> => eventually(async () => (await bulk()) === 200);
  const refused = (): Promise<void> => eventually(async () => (await bulk()) === 503);
  const line = rawRequest('POST', '/v1/gifts/bulk', { ...LINES, 'content-length': '1' });

  describe('a place for a bulk request', () => {
    it('when its client hangs up before the body is whole', async () => {
      await start();
      const hanging = await sixteen(line);
      await refused();
      for (const client of hanging) client.destroy();
      await served();
    });

    it('when the body does not arrive in time, with 408', async () => {
      await start({ connections: EAGER });
      const silent = await sixteen(
        rawRequest('POST', '/v1/history/import', { ...LINES, 'content-length': '9' }) + '{}',
      );
      const answers = await Promise.all(silent.map((client) => client.rest()));
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request-timeout"/);
      await served();
    });

    it('when its client hangs up while it waits behind another request (HTTP pipelining)', async () => {
      await start();
      const hanging = await sixteen(FOLLOW + line);
      await refused();
      for (const client of hanging) client.destroy();
      await served();
    });

    it.each([
      ['ends', null],
      ['fails', new EventStoreError('unavailable', 'away')],
    ])('when the work on its lines %s, and not before, although its client hung up', async (_, failure) => {
      await start();
      const gift = { idempotencyKey: 'k', roomId: 'r', viewerId: 'ann', gift: 'rose' };
      const body = JSON.stringify(gift);
      let go: () => void = () => {};
      const waits = new Promise<void>((resolve) => (go = resolve));
      const read = store.readStream.bind(store);
      let reading = 0;
      store.readStream = async (stream, options) => {
        if (stream === 'wallet-ann') {
          reading++;
          await waits;
          if (failure !== null) throw failure;
        }
        return read(stream, options);
      };
      const head = rawRequest('POST', '/v1/gifts/bulk', { ...LINES, 'content-length': String(body.length) });
      const hanging = await sixteen(head + body);
      await refused();
      await eventually(async () => reading > 0);
      for (const client of hanging) client.socket.resetAndDestroy();
      await eventually(async () => (await openSockets()) < LINE_BODIES_AT_ONCE_MAX);
      expect(await bulk()).toBe(503);
      go();
      await served();
    });

    it('when its answer is made, though that waits behind an answer without an end', async () => {
      await start();
      await sixteen(`${FOLLOW}${line}x`);
      await eventually(async () => (await gauge('log_readers')) === LINE_BODIES_AT_ONCE_MAX);
      await served();
    });
  });

  describe('a place for a reader of the log, or of a streamed board', () => {
    const board = rawRequest('GET', '/v1/leaderboards/gifters', { accept: 'text/event-stream' });

    it.each([
      ['log_readers', FOLLOW],
      ['board_streams', board],
    ])('when its client hangs up while it waits behind another request: %s', async (name, request) => {
      await start();
      const client = await open(request.repeat(20));
      await eventually(async () => (await gauge(name)) === 20);
      client.destroy();
      await eventually(async () => (await gauge(name)) === 0);
    });

    it.each([
      ['log_readers', FOLLOW],
      ['board_streams', board],
    ])('when its client closes its side of an answer without an end: %s', async (name, request) => {
      await start();
      const client = await open(request);
      await eventually(async () => (await gauge(name)) === 1);
      client.socket.end();
      await eventually(async () => (await gauge(name)) === 0);
    });

    it.each(['limit=10000', 'follow=true'])('when it takes nothing for too long: %s', async (query) => {
      await start({ streams: { slowReaderMsMax: 300 } });
      await fillLog(16 * 1024 * 1024);
      const [slow, quick] = await Promise.all([open(''), open('')]);
      slow.stopReading();
      for (const client of [slow, quick]) client.send(rawRequest('GET', `/v1/events?${query}`));
      await eventually(async () => /slow_stream_readers_total 1/.test(await telemetry.metricsText()));
      await eventually(async () => (await gauge('log_readers')) === (query === 'follow=true' ? 1 : 0));
      await quick.until((text) => text.includes('"the-last"', text.length - 70_000));
    });

    /** More than the buffers of both ends of a connection take. */
    async function fillLog(bytes: number): Promise<void> {
      const text = 'x'.repeat(65_536);
      const event = (id: string) => ({
        id,
        type: 'Noted',
        schemaVersion: 1,
        data: { text },
        metadata: {
          recordedAt: '2026-05-13T10:20:30.400Z',
          $correlationId: 'c',
          $causationId: 'c',
        },
      });
      const count = bytes / text.length;
      const ids = Array.from({ length: count }, (_, index) => (index === count - 1 ? 'the-last' : `e-${index}`));
      for (const [index, id] of ids.entries()) await store.append(`notes-${index}`, [event(id)], 'no-stream');
    }
  });

  it('says that it is still there to who follows a log without news, in lines that hold nothing', async () => {
    await start({ streams: { keepAliveMs: 20 } });
    const client = await open(FOLLOW);
    await client.until((text) => /\r\n1\r\n\n\r\n1\r\n\n\r\n/.test(text));
  });
});
