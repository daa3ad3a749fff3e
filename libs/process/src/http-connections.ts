import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endWith, rawAnswer } from './final-answer.js';
import {
  beginExchange,
  endExchange,
  isTracked,
  notTakenMs,
  track,
  type Connection,
  type Exchange,
} from './http-exchange.js';
import { codeOf, DETAILS, type RawProblem, type RawProblemCode } from './raw-problem.js';

export interface HttpConnectionLimits {
  /** A request's body may take this long to arrive, and a second more for each `bodyBytesPerSecondMin` of it. */
  readonly bodyMsMax: number;
  readonly bodyBytesPerSecondMin: number;
  /** A client that takes nothing of a complete answer for this long loses its connection. */
  readonly answerMsMax: number;
  /** How often bodies, answers, and connections that drain, are looked at. */
  readonly sweepEveryMs: number;
}

export const HTTP_CONNECTION_LIMITS: HttpConnectionLimits = {
  bodyMsMax: 10_000,
  bodyBytesPerSecondMin: 16_384,
  answerMsMax: 60_000,
  sweepEveryMs: 1_000,
};

export interface HttpConnectionOptions {
  /** Builds the problem document of a request that cannot be read. */
  readonly problem: (code: RawProblemCode, detail: string) => RawProblem;
  readonly limits?: Partial<HttpConnectionLimits>;
}

/**
 * Knows every connection of a server and the requests on it, so that whatever a request holds is given back, no client keeps
 * a connection that has ended, and a shutdown waits for requests that are being worked on and for nothing else.
 */
export class HttpConnections {
  readonly #connections = new Map<Socket, Connection>();
  readonly #servers = new WeakSet<Server>();
  readonly #limits: HttpConnectionLimits;
  #isDraining = false;
  #sweptMs = performance.now();

  constructor(
    server: Server,
    private readonly options: HttpConnectionOptions,
  ) {
    this.#limits = { ...HTTP_CONNECTION_LIMITS, ...options.limits };
    this.#listenTo(server);
    const sweeping = setInterval(() => this.#sweep(), this.#limits.sweepEveryMs);
    sweeping.unref();
    server.once('close', () => clearInterval(sweeping));
  }

  /**
   * For the first hook of a request. A server that is told to listen on `localhost` has a second one for the second address,
   * and says so nowhere: it is known from its first request on.
   */
  adopt(request: IncomingMessage, response: ServerResponse): void {
    if (isTracked(request)) return;
    const { socket } = request;
    const { server } = socket as Socket & { readonly server?: Server };
    if (server === undefined || !(socket instanceof Socket)) return;
    if (!this.#servers.has(server)) this.#listenTo(server);
    this.#add(socket);
    this.#begin(request, response);
  }

  #listenTo(server: Server): void {
    this.#servers.add(server);
    // Otherwise Node drops the answer to a client that has closed its side, as `nc` and some proxies do, after acting on it.
    (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    server.prependListener('connection', (socket: Socket) => this.#add(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#begin(request, response),
    );
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      const problem = this.options.problem('expectation-failed', DETAILS['expectation-failed']);
      response.setHeader('content-type', 'application/problem+json; charset=utf-8');
      response.setHeader('cache-control', 'no-store');
      response.setHeader('connection', 'close');
      response.statusCode = problem.status;
      response.end(JSON.stringify(problem));
      request.resume();
    });
    // Node by itself closes the connection without a word.
    server.on('connect', (_request: IncomingMessage, socket: Duplex) =>
      endWith(socket, rawAnswer(this.options.problem('method-not-allowed', DETAILS['method-not-allowed']))),
    );
    server.on('clientError', (error: Error, socket: Socket) => this.#fail(error, socket));
  }

  /** From now on a connection ends with its last answer, and one without a request ends at once. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, connection] of this.#connections) this.#endIfIdle(socket, connection);
  }

  /** Breaks off every answer that is still being sent. */
  breakOff(): void {
    for (const [socket, { isUpgraded }] of this.#connections) if (!isUpgraded) socket.destroy();
  }

  /** A request that cannot be read, or whose head did not arrive in time. */
  #fail(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (error.code === 'ECONNRESET' || !socket.writable || connection === undefined) {
      socket.destroy();
      return;
    }
    const code = codeOf(error);
    if (code === 'request-timeout') this.#refuse(socket, connection, this.#tooLate());
    else this.#refuse(socket, connection, this.options.problem(code, DETAILS[code]));
  }

  #add(socket: Socket): void {
    const known = this.#connections.get(socket);
    if (known !== undefined) {
      // An offer to upgrade was passed over, and the request is read again.
      known.isUpgraded = false;
      return;
    }
    const connection = track(socket);
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      this.#connections.delete(socket);
      for (const exchange of connection.exchanges) endExchange(exchange);
      connection.exchanges.clear();
    });
    socket.on('end', () => {
      for (const { isStream } of connection.exchanges) if (isStream) socket.destroy();
    });
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    const exchange = beginExchange(request, response);
    connection.exchanges.add(exchange);
    response.once('close', () => {
      connection.exchanges.delete(exchange);
      endExchange(exchange);
      if (this.#isDraining) this.#endIfIdle(socket, connection);
    });
  }

  #endIfIdle(socket: Socket, { exchanges, isUpgraded, hasFailed }: Connection): void {
    if (exchanges.size === 0 && !isUpgraded && !hasFailed) socket.destroySoon();
  }

  #sweep(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#sweptMs - this.#limits.sweepEveryMs;
    this.#sweptMs = nowMs;
    // The process itself stood still, so what has arrived meanwhile has not been read yet.
    if (lateMs > this.#limits.sweepEveryMs) return;
    for (const [socket, connection] of this.#connections) {
      if (this.#isDraining) this.#endIfIdle(socket, connection);
      for (const exchange of connection.exchanges) {
        if (notTakenMs(exchange, nowMs) > this.#limits.answerMsMax) socket.destroy();
        else if (!exchange.request.complete && this.#isOverdue(exchange, nowMs))
          this.#refuse(socket, connection, this.#tooLate());
      }
    }
  }

  #tooLate(): RawProblem {
    const code = this.#isDraining ? 'unavailable' : 'request-timeout';
    return this.options.problem(code, DETAILS[code]);
  }

  #isOverdue({ request, begunMs, bytesBefore }: Exchange, nowMs: number): boolean {
    const { bodyMsMax, bodyBytesPerSecondMin } = this.#limits;
    if (this.#isDraining) return true;
    const earnedMs = ((request.socket.bytesRead - bytesBefore) / bodyBytesPerSecondMin) * 1_000;
    return nowMs - begunMs > bodyMsMax + earnedMs;
  }

  /** Answers what is being worked on first, then the problem; never into the middle of an answer that has begun. */
  #refuse(socket: Socket, connection: Connection, problem: RawProblem): void {
    if (connection.hasFailed) return;
    connection.hasFailed = true;
    const sendOnceFree = (): void => {
      const before = [...connection.exchanges].filter(({ request }) => request.complete);
      const unread = [...connection.exchanges].find(({ request }) => !request.complete);
      const isInTheMiddle = before.some(({ isStream }) => isStream) || unread?.response.headersSent === true;
      if (isInTheMiddle) socket.destroy();
      else if (before.length > 0) before[0]!.over.push(() => setImmediate(sendOnceFree));
      else if (!socket.destroyed) {
        endWith(socket, rawAnswer(problem));
        // What it was told did not happen must not happen now.
        if (unread !== undefined) socket.destroySoon();
      }
    };
    sendOnceFree();
  }
}
