import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Backends, type Backend } from './backends.js';

/** `GET /v1/rooms/{roomId}/live` and `…/events`: connections that last as long as somebody watches. */
const LIVE_ROUTE = /^\/v1\/rooms\/[^/]+\/(live|events)$/;
/** Said once per connection, and meant for the next hop only. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const CONNECT_MS_MAX = 5_000;
const IDLE_CONNECTIONS_MAX = 64;

export interface DoorOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Asked with every request: processes come and go. */
  readonly giftApis: () => readonly Backend[];
  readonly roomGateways: () => readonly Backend[];
}

/** The one origin that clients see: live rooms go to a room-gateway, everything else to a gift-api, each in turn. */
export interface Door {
  readonly url: string;
  readonly port: number;
  /** Breaks off what is still open. */
  close(): Promise<void>;
}

/**
 * For one machine. In front of a real deployment stands whatever proxy you have; `infra/deploy` shows one. It is our own
 * because it may neither repeat a request by itself nor put its words in the place of a problem document: the proxies that
 * were tried for Node repeat a GET that got 503, and take WebSocket frames apart.
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS_MAX });
  const apis = new Backends(options.giftApis);
  const gateways = new Backends(options.roomGateways);
  const backendsFor = (url: string | undefined): Backends => (isLive(url) ? gateways : apis);
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing, backendsFor(incoming.url).inTurn(), agent);
  });
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    void tunnel(incoming, socket, head, backendsFor(incoming.url).inTurn());
  });
  // Otherwise Node drops the answer to a client that has closed its side after its request.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  // A stream or a long bulk request ends when its own server says so.
  server.requestTimeout = 0;
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    port,
    close: async () => {
      for (const socket of upgraded) socket.destroy();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
  };
}

function isLive(url = '/'): boolean {
  return LIVE_ROUTE.test(url.split('?', 1)[0]!);
}

function listening(server: Server, { host, port }: DoorOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** To the first that can be reached. What was sent is never sent again: its outcome is not known. */
function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  [backend, ...others]: readonly Backend[],
  agent: Agent,
): void {
  if (backend === undefined) return unavailable(outgoing, 'no process of this service can be reached');
  const { host, port } = backend;
  const { method, url } = incoming;
  const onward = request({ host, port, method, path: url, headers: headersOf(incoming), agent });
  onward.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode!, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(outgoing);
    // Frames leave as they come: nothing waits for more to say.
    outgoing.flushHeaders();
    answer.on('error', () => outgoing.destroy());
  });
  onward.on('error', (error: NodeJS.ErrnoException) => {
    if (outgoing.headersSent) return void outgoing.destroy();
    if (error.code === 'ECONNREFUSED') {
      incoming.unpipe(onward);
      return forward(incoming, outgoing, others, agent);
    }
    unavailable(
      outgoing,
      'the process that had the request has gone; with the same Idempotency-Key it is safe to repeat',
    );
  });
  outgoing.on('close', () => onward.destroy());
  // A stream ends when its reader closes its side; every other answer is sent.
  if (isLive(url)) incoming.socket.once('end', () => outgoing.destroy());
  // Only once connected, so that a body that found nobody is still whole for the next.
  onward.once('socket', (socket: Socket) => {
    if (!socket.connecting) return void incoming.pipe(onward);
    socket.once('connect', () => incoming.pipe(onward));
  });
}

/** Byte for byte, both ways, close codes and all. */
async function tunnel(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  backends: readonly Backend[],
): Promise<void> {
  socket.on('error', () => socket.destroy());
  for (const backend of backends) {
    const onward = await connected(backend);
    if (onward === null) continue;
    onward.on('error', () => socket.destroy());
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    onward.write(`${requestHead(incoming)}\r\n\r\n`);
    if (head.length > 0) onward.write(head);
    onward.pipe(socket).pipe(onward);
    return;
  }
  socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

function connected({ host, port }: Backend): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS_MAX, noDelay: true });
    const refused = (): void => {
      socket.destroy();
      resolve(null);
    };
    socket.once('error', refused);
    socket.once('timeout', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      socket.off('timeout', refused);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function requestHead({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = pairs(rawHeaders).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${url} HTTP/1.1`, ...lines].join('\r\n');
}

function headersOf({ rawHeaders, headers }: IncomingMessage): string[] {
  const kept = endToEnd(rawHeaders);
  // Of a body whose length is not said; Node writes it again in chunks.
  return headers['transfer-encoding'] === undefined ? kept : [...kept, 'transfer-encoding', 'chunked'];
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return pairs(rawHeaders).flatMap(([name, value]) => (HOP_BY_HOP.has(name.toLowerCase()) ? [] : [name, value]));
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!] as const);
}

function unavailable(outgoing: ServerResponse, detail: string): void {
  const { method, headers } = outgoing.req;
  if (method === 'GET' && headers.accept?.includes('text/event-stream') === true) {
    // An EventSource closes for good at any status but 200; when a stream ends, it reconnects by itself.
    outgoing.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
    outgoing.end('retry: 1000\n\n');
    return;
  }
  const problem = { type: 'urn:livegift:problem:unavailable', title: 'Not available', status: 503, detail };
  outgoing.writeHead(503, { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '1' });
  outgoing.end(JSON.stringify({ ...problem, code: 'unavailable' }));
}
