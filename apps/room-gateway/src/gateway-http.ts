import { randomUUID } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import { problemDocument } from '@livegift/contracts';
import { ambiguityOf, HttpConnections, type HttpConnectionLimits, type OriginPolicy } from '@livegift/process';
import type { ProcessTelemetry } from '@livegift/observability';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayProblemFilter, gatewayProblem, sendGatewayProblem, sendProblem } from './gateway-problem.filter.js';

/** A request that is longer on its way is given up: Fastify by itself would wait for ever. */
const RECEIVE_MS_MAX = 60_000;
const PREFLIGHT_KEPT_SECONDS = '600';

export interface GatewayHttpOptions {
  readonly origins: OriginPolicy;
  readonly telemetry: ProcessTelemetry;
  readonly connections?: Partial<HttpConnectionLimits>;
}

export interface GatewayDraining {
  /** From now on every new request is sent elsewhere, and connections without a request are closed. */
  begin(): void;
}

/** Fastify for live rooms alone. */
export function createGatewayHttp(): FastifyAdapter {
  return new FastifyAdapter({
    logger: false,
    genReqId: () => randomUUID(),
    requestTimeout: RECEIVE_MS_MAX,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The router would say of a long id that there is no such route: whether it is an id, the controller says.
    routerOptions: { maxParamLength: maxHeaderSize },
    skipMiddie: true,
    // A missing `Host` is answered with a problem, below.
    http: { requireHostHeader: false },
    // HttpConnections answers them, since it knows whether an answer is under way.
    clientErrorHandler: () => {},
    frameworkErrors: (_error: Error, _request: FastifyRequest, reply: FastifyReply) =>
      sendGatewayProblem(reply, 'invalid-request'),
  } as never);
}

/** Browsers of the allowed origins may read streams here as they read the API. Call it between creating and listening. */
export function configureGatewayHttp(
  app: NestFastifyApplication,
  { origins, telemetry, connections: limits }: GatewayHttpOptions,
): GatewayDraining {
  const server: FastifyInstance = app.getHttpAdapter().getInstance();
  const connections = new HttpConnections(server.server, {
    problem: (code, detail) => ({ ...gatewayProblem(code), detail }),
    limits,
  });
  let isDraining = false;
  server.addHook('onRequest', (request, reply, done) => {
    connections.adopt(request.raw, reply.raw);
    void reply.header('x-correlation-id', request.id).header('x-content-type-options', 'nosniff');
    void reply.header('cache-control', 'no-store');
    allowOrigin(request, reply, origins);
    if (isDraining) {
      void reply.header('connection', 'close');
      sendGatewayProblem(reply, 'unavailable');
      return;
    }
    if (ambiguityOf(request.raw) !== null) {
      sendGatewayProblem(reply, 'invalid-request');
      return;
    }
    const refusal = origins.refusal(request);
    if (refusal !== null) {
      sendProblem(reply, problemDocument('forbidden', refusal));
      return;
    }
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      preflight(request, reply);
      return;
    }
    done();
  });
  app.useGlobalFilters(new GatewayProblemFilter(telemetry));
  return {
    begin: () => {
      isDraining = true;
      connections.drain();
    },
  };
}

function allowOrigin(request: FastifyRequest, reply: FastifyReply, origins: OriginPolicy): void {
  const { origin } = request.headers;
  void reply.header('vary', 'Origin');
  if (origin !== undefined && origins.isAllowed(origin)) {
    void reply.header('access-control-allow-origin', origin);
  }
}

function preflight(request: FastifyRequest, reply: FastifyReply): void {
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined) void reply.header('access-control-allow-headers', asked);
  void reply
    .header('access-control-allow-methods', 'GET, HEAD')
    .header('access-control-max-age', PREFLIGHT_KEPT_SECONDS)
    .code(204)
    .send();
}
