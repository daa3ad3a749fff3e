import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { fieldError, problemDocument, type CloseName, type FieldError, type Problem } from '@livegift/contracts';
import { isId, type Cancellable, type HistorySpelling } from '@livegift/kernel';
import { ambiguityOf, endWith, handOver, rawAnswer } from '@livegift/process';
import { WebSocketServer, type WebSocket } from 'ws';
import { gatewayProblem } from './gateway-problem.filter.js';
import { parametersOf, unknownParameter } from './live-parameters.js';
import type { EntryRefusal, EntryRequest } from './room-gateway.js';
import { readWithoutUpgrade } from './unwanted-upgrade.js';
import { WebSocketClient, type WebSocketClientParts } from './web-socket-client.js';

const LIVE_PATH = /^\/v1\/rooms\/([^/]+)\/live$/;

const malformed = (error: FieldError): Problem => problemDocument('invalid-request', error.message, [error]);

const REFUSALS: Record<EntryRefusal, CloseName> = {
  'room-not-found': 'noSuchRoom',
  'room-closed': 'roomClosed',
  'read-model-behind': 'serviceRestart',
  'read-model-rebuilding': 'serviceRestart',
  unavailable: 'serviceRestart',
  overloaded: 'overloaded',
  'going-away': 'goingAway',
};

/** Lets WebSockets of `GET /v1/rooms/{roomId}/live` in, on a server that others use too. */
export class WebSocketDoor {
  readonly #server: WebSocketServer;
  readonly #clients = new Set<WebSocketClient>();
  #pings: Cancellable | null = null;
  #detach = (): void => {};
  #drained = (): void => {};

  constructor(private readonly parts: WebSocketClientParts) {
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: parts.config.inboundBytesMax,
    });
    // By itself `ws` answers in HTML.
    this.#server.on('wsClientError', (error, socket, request) =>
      endWith(socket, rawAnswer(handshakeProblem(error, request), HANDSHAKE_HEADERS)),
    );
  }

  attach(server: Server): void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      asksForWebSocket(request)
        ? this.#upgrade(request, socket, head)
        : readWithoutUpgrade(server, request, socket, head);
    server.on('upgrade', onUpgrade);
    this.#detach = () => server.off('upgrade', onUpgrade);
    this.#armPings();
  }

  /** Resolves when every client has gone; the gateway has sent them away before. */
  async close(): Promise<void> {
    this.#pings?.cancel();
    for (const client of this.#clients) client.close('goingAway');
    if (this.#clients.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#detach();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const entry = entryRequest(request.url ?? '/', this.parts.gateway.spelling);
    handOver(request);
    if (ambiguityOf(request) !== null) return endWith(socket, rawAnswer(gatewayProblem('invalid-request')));
    const refusal = this.parts.origins.refusal(request);
    if (refusal !== null) return endWith(socket, rawAnswer(problemDocument('forbidden', refusal)));
    if ('status' in entry) return endWith(socket, rawAnswer(entry));
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      void this.#welcome(webSocket, socket, entry);
    });
  }

  async #welcome(webSocket: WebSocket, socket: Duplex, request: EntryRequest): Promise<void> {
    const { gateway, telemetry } = this.parts;
    const client = new WebSocketClient(webSocket, socket, this.parts);
    this.#clients.add(client);
    webSocket.once('close', () => {
      gateway.leave(client);
      this.#clients.delete(client);
      if (this.#clients.size === 0) this.#drained();
    });
    // Browsers cannot see the status of a refused upgrade, so a refusal is a close code.
    if (!isId(request.roomId)) return client.close('noSuchRoom');
    try {
      const entry = await gateway.enter(request);
      if ('refused' in entry) return client.close(REFUSALS[entry.refused]);
      if (!client.isOpen) return entry.release();
      const joined = entry.join(client);
      if (joined !== 'joined') client.close(joined === 'full' ? 'overloaded' : 'roomClosed');
    } catch (error) {
      telemetry.error('a WebSocket could not be let in', { roomId: request.roomId, error: String(error) });
      client.close('serviceRestart');
    }
  }

  #armPings(): void {
    this.#pings = this.parts.scheduler.after(this.parts.config.pingEveryMs, () => {
      for (const client of this.#clients) client.ping();
      this.#armPings();
    });
  }
}

const asksForWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

/** What a client that cannot shake hands has to know. */
const HANDSHAKE_HEADERS = { allow: 'GET, HEAD', 'sec-websocket-version': '13' };

const handshakeProblem = ({ message }: Error, { method }: IncomingMessage): Problem =>
  method === 'GET' ? { ...gatewayProblem('invalid-request'), detail: message } : gatewayProblem('method-not-allowed');

/** What the client asks for, or the problem that says why not. */
function entryRequest(target: string, spelling: HistorySpelling): EntryRequest | Problem {
  if (!URL.canParse(target, 'http://gateway')) return gatewayProblem('invalid-request');
  const url = new URL(target, 'http://gateway');
  const match = LIVE_PATH.exec(url.pathname);
  if (match === null) return gatewayProblem('not-found');
  const unknown = unknownParameter(parametersOf(url.searchParams));
  if (unknown !== null) return malformed(unknown);
  const told = url.searchParams.get('after');
  const after = told === null ? null : spelling.readPosition(told);
  if (after === 'malformed') return malformed(fieldError('query.after', 'isPosition'));
  if (after === 'other-history') return gatewayProblem('history-changed');
  return { roomId: match[1]!, from: url.searchParams.get('from') || null, after };
}
