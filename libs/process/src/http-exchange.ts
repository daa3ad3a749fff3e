import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request whose answer has not been sent in full. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly begunMs: number;
  readonly bytesBefore: number;
  readonly over: (() => void)[];
  isStream: boolean;
  isOver: boolean;
  /** Of an answer that is complete and waits to be sent: its bytes, and since when they are as many. */
  unsentBytes: number;
  unsentSinceMs: number;
}

export interface Connection {
  /** In order of arrival: clients may send the next request before they have the answer. */
  readonly exchanges: Set<Exchange>;
  /** Nothing more is read from it. */
  hasFailed: boolean;
  /** It has become a WebSocket. */
  isUpgraded: boolean;
}

const EXCHANGE = Symbol('exchange');
type Tracked = IncomingMessage & { [EXCHANGE]?: Exchange };

const connections = new WeakMap<object, Connection>();

export function track(socket: Socket): Connection {
  const connection: Connection = { exchanges: new Set(), hasFailed: false, isUpgraded: false };
  connections.set(socket, connection);
  return connection;
}

export function beginExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const exchange: Exchange = {
    request,
    response,
    begunMs: performance.now(),
    bytesBefore: request.socket.bytesRead,
    over: [],
    isStream: false,
    isOver: false,
    unsentBytes: 0,
    unsentSinceMs: 0,
  };
  (request as Tracked)[EXCHANGE] = exchange;
  return exchange;
}

/** How long the client has taken nothing of a complete answer. To be asked now and then. */
export function notTakenMs(exchange: Exchange, nowMs: number): number {
  const { writableEnded, writableLength } = exchange.response;
  if (!writableEnded || writableLength === 0 || writableLength !== exchange.unsentBytes) {
    exchange.unsentBytes = writableLength;
    exchange.unsentSinceMs = nowMs;
  }
  return nowMs - exchange.unsentSinceMs;
}

export const isTracked = (request: IncomingMessage): boolean => (request as Tracked)[EXCHANGE] !== undefined;

export function endExchange(exchange: Exchange): void {
  if (exchange.isOver) return;
  exchange.isOver = true;
  for (const over of exchange.over.splice(0)) over();
}

/**
 * Calls `over` once, when the request's answer has been sent or its connection has closed, whichever comes first. A response
 * by itself does not tell: one that waits behind another on its connection (HTTP pipelining) never hears that the socket closed.
 */
export function whenOver(request: IncomingMessage, over: () => void): void {
  const exchange = (request as Tracked)[EXCHANGE];
  if (exchange === undefined) request.socket.once('close', over);
  else if (exchange.isOver) over();
  else exchange.over.push(over);
}

/** The answer lasts as long as its reader does: a client that closes its side of the connection has left. */
export function lastsWithReader(request: IncomingMessage): void {
  const exchange = (request as Tracked)[EXCHANGE];
  if (exchange === undefined) return;
  exchange.isStream = true;
  if (request.socket.readableEnded) request.socket.destroy();
}

/** The connection belongs to another protocol from here on. */
export function handOver({ socket }: IncomingMessage): void {
  const connection = connections.get(socket);
  if (connection !== undefined) connection.isUpgraded = true;
}
