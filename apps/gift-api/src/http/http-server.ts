import { randomUUID } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import fastifyCompress from '@fastify/compress';
import fastifyCors from '@fastify/cors';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProcessTelemetry } from '@livegift/observability';
import { ambiguityOf, asksFor, HttpConnections, type HttpConnectionLimits, type OriginPolicy } from '@livegift/process';
import { boundLineBodies, LINE_ROUTES, registerBodyParsers } from './body-parsers.js';
import { ApiDocument } from './openapi/api-document.js';
import { ProblemFilter, wrongMethod } from './problem.filter.js';
import { invalidRequest, ProblemError, problemBody, sendProblem } from './problem.js';
import { problemOf } from './problem-of.js';
import { RouteTable } from './route-table.js';

/** Streams are written as they come and never compressed; a single command answers less than is worth it. */
const COMPRESSED_FROM_BYTES = 1_024;
/** The plug-in by itself knows JSON, but not lines of it. */
const COMPRESSED_TYPES = /^text\/(?!event-stream)|[/+](json|x-ndjson)(;|$)/;
const STREAMED_ROUTES = new Set(['/v1/events', '/v1/rooms/:roomId/events', '/v1/rooms/:roomId/live']);
const PAYLOAD_TOO_LARGE = 413;
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const SLOW_REQUEST_MS = 1_000;
/** A request that is longer on its way gives up its place: Fastify by itself would wait for ever. */
const RECEIVE_MS_MAX = 300_000;

export interface HttpServerOptions {
  readonly origins: OriginPolicy;
  readonly bodyBytesMax: number;
  readonly bulkBodyBytesMax: number;
  readonly drainMsMax: number;
  readonly telemetry: ProcessTelemetry;
  readonly connections?: Partial<HttpConnectionLimits>;
}

/** Fastify as this API wants it: correlation ids, plain JSON and NDJSON bodies, problems instead of Fastify's own errors. */
export function createHttpAdapter(options: HttpServerOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    requestIdHeader: false,
    genReqId: correlationIdOf,
    requestTimeout: RECEIVE_MS_MAX,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The router would say of a long id that there is no such route: whether it is an id, `checkPath` says.
    routerOptions: { maxParamLength: maxHeaderSize },
    // The application uses no Connect-style middleware, so the layer for it would only cost.
    skipMiddie: true,
    // A missing `Host` is answered with a problem, below.
    http: { requireHostHeader: false },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const problem = problemOf(error);
      void reply.header('x-correlation-id', request.id).header('cache-control', 'no-store');
      const { origin } = request.headers;
      if (origin !== undefined && options.origins.isAllowed(origin)) {
        void reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
      }
      sendProblem(reply, problemBody(problem.code, problem.message, problem.errors, problem.extra));
    },
    // HttpConnections answers them, since it knows whether an answer is under way.
    clientErrorHandler: () => {},
  } as never);
  registerBodyParsers(adapter.getInstance<FastifyInstance>(), options);
  return adapter;
}

/** What has to be in place before the application's routes are. Call it between creating and listening. */
export async function configureHttp(app: NestFastifyApplication, options: HttpServerOptions): Promise<HttpDraining> {
  const server = app.getHttpAdapter().getInstance();
  const routes = new RouteTable();
  const connections = new HttpConnections(server.server, { problem: problemBody, limits: options.connections });
  const draining = new HttpDraining(server, connections, options.drainMsMax);
  server.addHook('onRoute', (route) => {
    routes.add(route.method, route.url);
    const isRead = route.method === 'GET' || (Array.isArray(route.method) && route.method.includes('GET'));
    const isLong = isRead || LINE_ROUTES.has(route.url);
    if (!isLong || STREAMED_ROUTES.has(route.url)) Object.assign(route, { compress: false });
  });
  server.addHook('onRequest', (request, reply, done) => {
    connections.adopt(request.raw, reply.raw);
    void reply.header('x-correlation-id', request.id);
    void reply.header('x-content-type-options', 'nosniff');
    // Balances, boards and refusals change; what may be kept (the documentation) says so itself.
    void reply.header('cache-control', 'no-store');
    if (draining.isDraining) void reply.header('connection', 'close');
    if (request.method === 'OPTIONS' && !isPreflight(request)) answerOptions(routes, request, reply);
    else done();
  });
  await server.register(fastifyCors, {
    origin: (origin, decide) => decide(null, origin !== undefined && options.origins.isAllowed(origin)),
    exposedHeaders: ['Idempotency-Replayed', 'Retry-After', 'X-Correlation-Id'],
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    maxAge: 600,
  });
  // From here on a browser may read what is refused: without these headers it sees a failure, and neither 503 nor Retry-After.
  server.addHook('onRequest', (request, reply, done) => {
    if (draining.isDraining) {
      done(new ProblemError('unavailable', 'the server is going; try again'));
      return;
    }
    const ambiguity = ambiguityOf(request.raw);
    if (ambiguity !== null) {
      done(invalidRequest([ambiguity]));
      return;
    }
    const refusal = options.origins.refusal(request);
    if (refusal !== null) {
      // Sent from here: a preflight is the plug-in's own route, which no filter of the application covers.
      sendProblem(reply, problemBody('forbidden', refusal));
      return;
    }
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      done(new ProblemError('unsupported-media-type', 'requests are taken without a content encoding'));
      return;
    }
    done();
  });
  boundLineBodies(server);
  takeTheRest(server);
  observeRequests(server, options.telemetry);
  await server.register(fastifyCompress, {
    threshold: COMPRESSED_FROM_BYTES,
    customTypes: COMPRESSED_TYPES,
    encodings: ['br', 'gzip'],
  });
  app.get(ApiDocument, { strict: false }).describe(app);
  app.useGlobalFilters(new ProblemFilter(routes, options.telemetry));
  return draining;
}

/**
 * Whoever sends too much is still sending when it is refused. Closing then, as Fastify does, resets the connection, and the
 * answer is lost with it: a proxy would make it a 503, which says try again. So the rest is taken, and thrown away.
 */
function takeTheRest(server: FastifyInstance): void {
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.statusCode === PAYLOAD_TOO_LARGE) void reply.removeHeader('connection');
    done(null, payload);
  });
}

/** The cors plug-in has an address of its own for these, outside of what the problem filter sees. */
function answerOptions(routes: RouteTable, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message } =
    wrongMethod(routes, request, reply) ?? new ProblemError('not-found', 'there is no such route');
  sendProblem(reply, problemBody(code, message));
}

const isPreflight = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

/** Of the time to drain: then answers that are not taken are broken off, so that the rest can still end well. */
const ANSWERS_TAKEN_SHARE = 0.7;

/** While it drains, the server answers what it has begun and refuses the rest. */
export class HttpDraining {
  #draining = false;

  constructor(
    private readonly server: FastifyInstance,
    private readonly connections: HttpConnections,
    private readonly drainMsMax: number,
  ) {}

  get isDraining(): boolean {
    return this.#draining;
  }

  begin(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.connections.drain();
    // A client that does not read its answer would hold the server for ever.
    setTimeout(() => {
      this.connections.breakOff();
      this.server.server.closeAllConnections();
    }, this.drainMsMax * ANSWERS_TAKEN_SHARE).unref();
  }
}

/** The caller's own correlation id when it is a sane one, else a fresh one. */
function correlationIdOf(request: { readonly headers: FastifyRequest['headers'] }): string {
  const given = request.headers['x-correlation-id'];
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID();
}

function observeRequests(server: FastifyInstance, telemetry: ProcessTelemetry): void {
  const logsAll = telemetry.isDebugEnabled();
  server.addHook('onResponse', (request, reply, done) => {
    const ms = reply.elapsedTime;
    const { statusCode } = reply;
    const route = request.routeOptions.url ?? 'unmatched';
    const labels = { method: request.method, route, status: String(statusCode) };
    telemetry.observe('http_request_duration_seconds', ms / 1_000, labels);
    telemetry.count('http_responses_total', 1, { class: `${String(statusCode)[0]!}xx` });
    // That a starting server is not ready yet is no news.
    const isNews = statusCode >= 500 && request.routeOptions.url !== '/health/ready';
    const isSlow = ms > SLOW_REQUEST_MS && !isStream(request);
    if (logsAll || isNews || isSlow) {
      const fields = {
        correlationId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: statusCode,
        ms: Math.round(ms * 100) / 100,
      };
      if (statusCode >= 500 && statusCode !== 503 && statusCode !== 504) telemetry.error('request failed', fields);
      else telemetry[logsAll ? 'debug' : 'warn'](isSlow ? 'slow request' : 'request', fields);
    }
    done();
  });
}

/** A stream lasts as long as somebody listens. */
const isStream = ({ routeOptions, headers }: FastifyRequest): boolean =>
  STREAMED_ROUTES.has(routeOptions.url ?? '') || asksFor('text/event-stream', headers);
