import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RawClient, rawRequest } from '@livegift/testing';
import { HttpConnections, type HttpConnectionLimits } from './http-connections.js';
import { handOver, lastsWithReader, whenOver } from './http-exchange.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const EAGER: HttpConnectionLimits = {
  bodyMsMax: 40,
  bodyBytesPerSecondMin: 16_384,
  answerMsMax: 500,
  sweepEveryMs: 20,
};

describe('the connections of an HTTP server', () => {
  let server: Server;
  let connections: HttpConnections;
  let url: string;
  let handle: Handler;
  const clients: RawClient[] = [];
  const accepted: Socket[] = [];

  const start = async (handler: Handler, limits?: HttpConnectionLimits): Promise<void> => {
    handle = handler;
    server = createServer((request, response) => handle(request, response));
    server.on('connection', (socket: Socket) => accepted.push(socket));
    connections = new HttpConnections(server, {
      problem: (code, detail) => ({ status: STATUSES[code], code, detail }),
      limits,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const STATUSES = {
    'invalid-request': 400,
    'method-not-allowed': 405,
    'request-timeout': 408,
    'expectation-failed': 417,
    'headers-too-large': 431,
    unavailable: 503,
  };
  const open = async (bytes = ''): Promise<RawClient> => {
    const client = await RawClient.open(url, bytes);
    clients.push(client);
    return client;
  };
  const closed = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const openSockets = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  afterEach(async () => {
    accepted.length = 0;
    for (const client of clients.splice(0)) client.destroy();
    connections.breakOff();
    if (server.listening) await closed();
  });

  const post = (body: string, path = '/'): string =>
    rawRequest('POST', path, { 'content-length': String(body.length) }) + body;
  const answerOnceRead: Handler = (request, response) => {
    request.resume();
    request.on('end', () => response.end('done'));
  };

  it('tells what a request holds that its connection has closed, also when it waits behind another (pipelining)', async () => {
    const over: string[] = [];
    const begun: string[] = [];
    await start((request) => {
      begun.push(request.url!);
      whenOver(request, () => over.push(request.url!));
    });
    const client = await open(rawRequest('GET', '/first') + rawRequest('GET', '/second'));
    await eventually(() => begun.length === 2);
    expect(over).toEqual([]);
    client.destroy();
    // The client's FIN alone is no reason: its reset is, which the first byte of an answer causes.
    connections.breakOff();
    await eventually(() => over.length === 2);
    expect(over).toEqual(['/first', '/second']);
  });

  it('tells what a request holds that its answer was sent', async () => {
    let over = 0;
    await start((request, response) => {
      whenOver(request, () => over++);
      response.end('done');
    });
    const client = await open(rawRequest('GET', '/'));
    await client.until((text) => text.endsWith('done'));
    await eventually(() => over === 1);
    client.destroy();
    await eventually(async () => (await openSockets()) === 0);
    expect(over).toBe(1);
  });

  it('answer a client that closes its side after its request', async () => {
    await start(answerOnceRead);
    const client = await open(post('body'));
    client.socket.end();
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 200 [^]*done$/);
    await client.closed;
    expect(await openSockets()).toBe(0);
  });

  it('include those of a second server, from its first request on', async () => {
    await start(answerOnceRead);
    const second = createServer((request, response) => {
      connections.adopt(request, response);
      handle(request, response);
    });
    await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(second.address() as AddressInfo).port}`;
    const client = await open(post('body'));
    client.socket.end();
    expect(await client.rest()).toMatch(/done$/);
    const idle = await open(post('body'));
    await idle.until((text) => text.endsWith('done'));
    const closing = new Promise<void>((resolve) => second.close(() => resolve()));
    connections.drain();
    await closing;
  });

  it('end an endless answer when its reader closes its side', async () => {
    await start((request, response) => {
      lastsWithReader(request);
      response.write('first');
    });
    const client = await open(rawRequest('GET', '/'));
    await client.until((text) => text.includes('first'));
    client.socket.end();
    await client.closed;
    await eventually(async () => (await openSockets()) === 0);
  });

  it('give up a body that does not arrive, with 408, and keep no descriptor of it', async () => {
    const over: string[] = [];
    await start((request, response) => {
      whenOver(request, () => over.push(request.url!));
      answerOnceRead(request, response);
    }, EAGER);
    const client = await open(rawRequest('POST', '/silent', { 'content-length': '5' }) + 'he');
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*request-timeout/);
    // The client never closes its side.
    await eventually(async () => (await openSockets()) === 0);
    expect(over).toEqual(['/silent']);
  });

  it('wait for a body that keeps coming', async () => {
    await start(answerOnceRead, { ...EAGER, bodyBytesPerSecondMin: 1 });
    const client = await open(rawRequest('POST', '/', { 'content-length': '500' }));
    for (let sent = 0; sent < 500; sent += 100) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.send('x'.repeat(100));
    }
    await client.until((text) => text.endsWith('done'));
    expect(client.statuses).toEqual([200]);
  });

  it('give up a complete answer that its client does not take, and wait for one that is being taken', async () => {
    const over: string[] = [];
    const bytes = 32 * 1024 * 1024;
    await start((request, response) => {
      whenOver(request, () => over.push(request.url!));
      response.end(Buffer.alloc(bytes));
    }, EAGER);
    const motionless = await open();
    motionless.stopReading();
    motionless.send(rawRequest('GET', '/motionless'));
    await eventually(() => over.length === 1);
    expect(over).toEqual(['/motionless']);
    handle = (_request, response) => response.end(Buffer.alloc(bytes / 4));
    const reading = await fetch(`${url}/reading`);
    expect((await reading.arrayBuffer()).byteLength).toBe(bytes / 4);
  });

  it('give up a complete answer that waits for too long behind another', async () => {
    const over: string[] = [];
    await start((request, response) => {
      whenOver(request, () => over.push(request.url!));
      if (request.url === '/endless') response.write('begun');
      else response.end('done');
    }, EAGER);
    await open(rawRequest('GET', '/endless') + rawRequest('GET', '/behind'));
    await eventually(() => over.length === 2);
  });

  it('keep no descriptor of clients that time out and stay half open', async () => {
    await start(answerOnceRead, EAGER);
    const halves = await Promise.all(Array.from({ length: 50 }, () => open('GET / HTTP/1.1\r\n')));
    await eventually(() => accepted.length === 50);
    const timedOut = Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    for (const socket of accepted) server.emit('clientError', timedOut, socket);
    await Promise.all(halves.map((half) => half.rest()));
    expect(halves.map(({ statuses }) => statuses)).toEqual(halves.map(() => [408]));
    await eventually(async () => (await openSockets()) === 0);
  });

  it('write a 400 after the answers that are due, and never into a stream', async () => {
    let answer: (() => void) | null = null;
    await start((request, response) => {
      answer = () => response.end('done');
      if (request.url === '/stream') {
        lastsWithReader(request);
        response.write('begun');
      }
    });
    const client = await open(`${rawRequest('GET', '/slow')}JUNK\r\n\r\n`);
    await eventually(() => answer !== null);
    expect(client.text).toBe('');
    answer!();
    expect(await client.rest()).toMatch(
      /^HTTP\/1\.1 200 [^]*done\r\n0\r\n\r\nHTTP\/1\.1 400 |^HTTP\/1\.1 200 [^]*doneHTTP\/1\.1 400 /,
    );
    const reader = await open(rawRequest('GET', '/stream'));
    await reader.until((text) => text.includes('begun'));
    reader.send('JUNK\r\n\r\n');
    await reader.rest();
    expect(reader.statuses).toEqual([200]);
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'GET / HTTP/1.1\r\nHo'],
    ['a whole request, and has its answer', rawRequest('GET', '/')],
  ])('do not hold up a shutdown when the client has sent %s', async (_, bytes) => {
    await start((_request, response) => void response.end('done'));
    const client = await open(bytes);
    if (bytes.endsWith('\r\n\r\n')) await client.until((text) => text.endsWith('done'));
    await eventually(async () => (await openSockets()) === 1);
    const closing = closed();
    connections.drain();
    await closing;
  });

  it('let a shutdown wait for the request that is being worked on, and for no body that is still to come', async () => {
    let answer: () => void = () => {};
    let begun = 0;
    await start((request, response) => {
      begun++;
      request.resume();
      if (request.url === '/work') answer = () => response.end('done');
    }, EAGER);
    const working = await open(rawRequest('GET', '/work'));
    const sending = await open(rawRequest('POST', '/sending', { 'content-length': '5' }));
    await eventually(() => begun === 2);
    connections.drain();
    const closing = closed();
    expect(await sending.rest()).toMatch(/^HTTP\/1\.1 503 [^]*shutting down/);
    expect(working.text).toBe('');
    answer();
    expect(await working.rest()).toMatch(/done$/);
    await closing;
  });

  it('leave a connection alone that has become a WebSocket', async () => {
    await start(() => {});
    let upgraded: Socket | null = null;
    server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      upgraded = socket;
      handOver(request);
    });
    const client = await open(rawRequest('GET', '/', { connection: 'Upgrade', upgrade: 'websocket' }));
    await eventually(() => upgraded !== null);
    connections.drain();
    upgraded!.write('frame');
    await client.until((text) => text === 'frame');
    upgraded!.destroy();
  });

  it('refuse an expectation that nobody can meet with a problem', async () => {
    await start(answerOnceRead);
    const client = await open(rawRequest('POST', '/', { expect: 'a-miracle', 'content-length': '4' }) + 'body');
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 417 [^]*application\/problem\+json[^]*expectation-failed/);
  });
});
