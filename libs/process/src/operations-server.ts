import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problemDocument, PROBLEMS, type ProblemCode } from '@livegift/contracts';
import type { ProcessTelemetry } from '@livegift/observability';
import { HttpConnections } from './http-connections.js';
import type { OriginPolicy } from './origin-policy.js';
import { PUT_OFF_HEADERS, putOffStream, putsOffStream } from './put-off-stream.js';
import { checkReadiness, LIVENESS, type ReadinessPart } from './readiness.js';

const RETRY_AFTER_SECONDS = '1';
const STARTING = 'Server is starting; retry';

export interface OperationsServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly origins: OriginPolicy;
  readonly telemetry: ProcessTelemetry;
  /** Asked with every request: parts may come and go. */
  readonly readiness: () => readonly ReadinessPart[];
  /**
   * What any other address answers: `not-found` in a process that has nothing else to offer, `unavailable` where an API
   * will be.
   */
  readonly otherwise: 'not-found' | 'unavailable';
}

/** `GET /health/live`, `/health/ready` and `/metrics` of a process that has no API, or has it not yet. */
export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws EADDRINUSE and the like */
export async function startOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => response.destroy());
  });
  const connections = new HttpConnections(server, { problem: problemDocument });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { port, close: () => closed(server, connections) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { origins, telemetry, readiness, otherwise }: OperationsServerOptions,
): Promise<void> {
  // Nobody keeps a connection to a server that may make room for another.
  response.setHeader('connection', 'close');
  response.setHeader('cache-control', 'no-store');
  const refusal = origins.refusal(request);
  if (refusal !== null) return sendProblem(response, 'forbidden', refusal);
  const path = (request.url ?? '/').split('?', 1)[0];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && path === '/health/live') return sendJson(response, 200, LIVENESS);
  if (isRead && path === '/health/ready') {
    const checked = await checkReadiness(readiness());
    return sendJson(response, checked.status === 'ready' ? 200 : 503, checked);
  }
  if (isRead && path === '/metrics') {
    const text = await telemetry.metricsText();
    response.writeHead(200, { 'content-type': telemetry.metricsContentType }).end(text);
    return;
  }
  if (otherwise === 'unavailable' && putsOffStream(request, PROBLEMS.unavailable.status)) {
    response.writeHead(200, PUT_OFF_HEADERS).end(putOffStream(problemDocument('unavailable', STARTING)));
  } else if (otherwise === 'unavailable') {
    sendProblem(response, 'unavailable', STARTING);
  } else sendProblem(response, 'not-found', 'this server has /health/live, /health/ready and /metrics');
}

function sendProblem(response: ServerResponse, code: ProblemCode, detail: string): void {
  const problem = problemDocument(code, detail);
  sendJson(response, problem.status, problem, 'application/problem+json; charset=utf-8');
}

function sendJson(response: ServerResponse, status: number, body: object, type = 'application/json; charset=utf-8') {
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

function closed(server: Server, connections: HttpConnections): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    connections.drain();
  });
}
