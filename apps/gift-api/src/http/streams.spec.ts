import { OriginPolicy } from '@livegift/process';
import type { LogEvent } from '@livegift/contracts';
import { EventStoreError } from '@livegift/event-store';
import { createTelemetry } from '@livegift/observability';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import { InMemoryEventStore } from '@livegift/testing';
import { startGiftApi, type GiftApiServer } from '../gift-api.server.js';
import { EventSource } from 'eventsource';
import { NDJSON_CONTENT_TYPE } from './lines.js';
import { PROBLEM_CONTENT_TYPE } from './problem.js';

/** Reads a streamed answer piece by piece. */
class StreamReader {
  #text = '';
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.#reader = response.body!.getReader();
  }

  /** Reads on until `done` finds what it wants in the text so far; null from it means: not yet. */
  async until<Found>(done: (text: string) => Found | null): Promise<Found> {
    for (;;) {
      const found = done(this.#text);
      if (found !== null) return found;
      const { value, done: ended } = await this.#reader.read();
      if (ended) throw new Error(`the stream ended: ${this.#text}`);
      this.#text += Buffer.from(value).toString();
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

const eventsIn = (text: string): LogEvent[] =>
  text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as LogEvent] : []));

describe('streams over HTTP', () => {
  const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
  let store: InMemoryEventStore;
  let readModel: ReadModel;
  let server: GiftApiServer;

  beforeEach(async () => {
    const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
    const scheduler = {
      after: (ms: number, task: () => void) => {
        const timer = setTimeout(task, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    store = new InMemoryEventStore('a-store');
    readModel = createMemoryReadModel({ clock, scheduler });
    await readModel.markBuilt(0, null);
    server = await startGiftApi({
      parts: {
        store,
        readModel,
        clock,
        ids: { uuid: () => crypto.randomUUID() },
        scheduler,
        telemetry,
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
  });

  afterEach(() => server.close());

  const open = (viewerId: string): Promise<Response> =>
    fetch(`${server.url}/v1/wallets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ viewerId, region: 'DE', ageAssured: true }),
    });
  const events = async (query: string): Promise<LogEvent[]> =>
    eventsIn(await (await fetch(`${server.url}/v1/events?${query}`)).text());
  const readers = async (): Promise<number> =>
    Number(/livegift_log_readers (\d+)/.exec(await telemetry.metricsText())?.[1] ?? 0);

  async function eventually(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('give the log page by page, oldest first, behind a position', async () => {
    for (const viewerId of ['ann', 'bob', 'cleo']) await open(viewerId);
    const all = await events('types=WalletOpened');
    expect(all.map(({ stream }) => stream)).toEqual(['wallet-ann', 'wallet-bob', 'wallet-cleo']);
    expect(Object.keys(all[0]!)).toEqual([
      'position',
      'stream',
      'revision',
      'id',
      'type',
      'schemaVersion',
      'occurredAt',
      'recordedAt',
      'correlationId',
      'causationId',
      'data',
    ]);
    const second = await events(`types=WalletOpened&limit=1&after=${all[0]!.position}`);
    expect(second).toEqual([all[1]]);
    expect(await events(`after=${all[2]!.position}`)).toEqual([]);
  });

  it('follow the log from there on, and free their place when the reader leaves', async () => {
    await open('ann');
    const response = await fetch(`${server.url}/v1/events?follow=true&types=WalletOpened`);
    const reader = new StreamReader(response);
    await reader.until((text) => (eventsIn(text).length === 1 ? true : null));
    expect(await readers()).toBe(1);
    await open('bob');
    const streams = await reader.until((text) => {
      const found = eventsIn(text);
      return found.length === 2 ? found.map(({ stream }) => stream) : null;
    });
    expect(streams).toEqual(['wallet-ann', 'wallet-bob']);
    await reader.cancel();
    await eventually(async () => (await readers()) === 0);
  });

  it('follow as far as they are asked to', async () => {
    const [response] = await Promise.all([
      fetch(`${server.url}/v1/events?follow=true&types=WalletOpened&limit=2`).then((answered) => answered.text()),
      open('ann').then(() => open('bob')),
    ]);
    expect(eventsIn(response)).toHaveLength(2);
  });

  it.each(['limit=1', 'types=GiftSent', 'follow=true'])(
    'refuse to read the log while the store is away, as a problem and no broken answer: %s',
    async (query) => {
      await store.close();
      const response = await fetch(`${server.url}/v1/events?${query}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([503, PROBLEM_CONTENT_TYPE]);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({ code: 'unavailable' });
      expect(await readers()).toBe(0);
    },
  );

  it('break off where the store goes away behind what was sent', async () => {
    for (const viewerId of ['ann', 'bob']) await open(viewerId);
    const [first] = await store.readAll({ limit: 1 });
    store.readAll = async ({ after }) => {
      if (after === null) return [first!];
      throw new EventStoreError('unavailable', 'away');
    };
    const response = await fetch(`${server.url}/v1/events`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(await readers()).toBe(0);
  });

  it.each(['', '&types=GiftSent'])('answer who follows a log that holds nothing for them, at once%s', async (types) => {
    if (types !== '') await open('ann');
    const response = await fetch(`${server.url}/v1/events?follow=true${types}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, NDJSON_CONTENT_TYPE]);
    await response.body!.cancel();
    await eventually(async () => (await readers()) === 0);
  });

  it('show a board at once, and say so in the type', async () => {
    const response = await fetch(`${server.url}/v1/leaderboards/creators`, {
      headers: { accept: 'text/event-stream' },
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('content-encoding')).toBeNull();
    const reader = new StreamReader(response);
    const shown = await reader.until((text) => /event: board\ndata: (.*)\n\n/.exec(text)?.[1] ?? null);
    expect(JSON.parse(shown)).toMatchObject({ board: 'creators', entries: [], total: 0 });
    await reader.cancel();
  });

  it('put an EventSource off with a stream that ends while the read model is being rebuilt, so that it comes back', async () => {
    const read = readModel.board.bind(readModel);
    let refused = 0;
    readModel.board = async (...query) => {
      if (refused++ === 0) throw new ReadModelError('rebuilding', 'not yet');
      return read(...query);
    };
    const source = new EventSource(`${server.url}/v1/leaderboards/gifters`);
    const shown = await new Promise<string>((resolve, reject) => {
      source.addEventListener('board', ({ data }) => resolve(data as string));
      source.addEventListener(
        'error',
        () => source.readyState === source.CLOSED && reject(new Error('closed for good')),
      );
    });
    source.close();
    expect(JSON.parse(shown)).toMatchObject({ board: 'gifters' });
    expect(refused).toBeGreaterThan(1);
  });

  it('tell all others that the read model is being rebuilt', async () => {
    readModel.board = () => Promise.reject(new ReadModelError('rebuilding', 'not yet'));
    for (const accept of ['application/json', 'text/event-stream;q=0']) {
      const response = await fetch(`${server.url}/v1/leaderboards/gifters`, { headers: { accept } });
      expect([response.status, response.headers.get('content-type')]).toEqual([503, PROBLEM_CONTENT_TYPE]);
    }
  });

  it.each([
    ['text/event-stream;q=0', 'application/json'],
    ['application/json, text/event-stream ; Q=0.000', 'application/json'],
    ['text/event-stream-of-mine', 'application/json'],
    ['*/*', 'application/json'],
    ['Text/Event-Stream;q=0.001', 'text/event-stream'],
    ['text/html;q=0, text/event-stream; charset=utf-8; q=1', 'text/event-stream'],
  ])('show a board to who accepts %s as %s', async (accept, type) => {
    const response = await fetch(`${server.url}/v1/leaderboards/creators`, { headers: { accept } });
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    await response.body!.cancel();
  });

  it('end when the server goes, and do not hold it up', async () => {
    const log = await fetch(`${server.url}/v1/events?follow=true`);
    const board = await fetch(`${server.url}/v1/leaderboards/gifters`, { headers: { accept: 'text/event-stream' } });
    const closed = server.close();
    await Promise.all([log.text(), board.text()]);
    await closed;
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('answer the head of a stream without streaming', async () => {
    for (const path of ['/v1/events?follow=true', '/v1/leaderboards/gifters']) {
      const response = await fetch(server.url + path, { method: 'HEAD', headers: { accept: 'text/event-stream' } });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
    expect(await readers()).toBe(0);
  });
});
