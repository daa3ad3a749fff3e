import { fieldError, problemDocument, type FieldError, type Problem, type ProblemCode } from '@livegift/contracts';
import type { Telemetry } from '@livegift/kernel';
import { PUT_OFF_HEADERS, putOffStream, putsOffStream } from '@livegift/process';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

const READABLE: readonly FieldError[] = [fieldError('request', 'readable')];

/** What a client reads about each problem that the gateway answers. */
const DETAILS = {
  'invalid-request': 'the request cannot be read',
  'not-found': 'there is no such route',
  'room-not-found': 'there is no such room',
  'method-not-allowed': 'this address takes GET, HEAD',
  'request-timeout': 'send the request within a minute',
  'history-changed': 'after is from before a backup of the event store was restored; read again from the beginning',
  'expectation-failed': 'the only expectation that this server meets is 100-continue',
  'headers-too-large': 'the headers are larger than 16 KiB',
  'upgrade-required': 'open a WebSocket; if you did, a proxy on the way has removed its Upgrade header',
  'internal-error': 'the failure has been logged',
  overloaded: 'no place is left; retry later',
  unavailable: 'the room cannot be streamed now; retry',
  'read-model-rebuilding': 'the room can be streamed when it is done; retry',
  'read-model-behind': 'the position of after was not reached in time; retry',
} as const satisfies Partial<Record<ProblemCode, string>>;
export type GatewayProblemCode = keyof typeof DETAILS;

const ROUTE = /^\/(v1\/rooms\/[^/]+\/(events|live)|health\/(live|ready)|metrics)$/;

/** The one way out for everything thrown: a problem, never a stack. */
@Catch()
export class GatewayProblemFilter implements ExceptionFilter {
  constructor(private readonly telemetry: Telemetry) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      this.telemetry.warn('a stream broke off', { correlationId: request.id, error });
      reply.raw.destroy();
      return;
    }
    const code = codeOf(error, request);
    if (code === 'method-not-allowed') void reply.header('allow', 'GET, HEAD');
    if (code === 'internal-error') {
      this.telemetry.error('unexpected failure', { correlationId: request.id, error });
    }
    sendGatewayProblem(reply, code);
  }
}

export const gatewayProblem = (code: GatewayProblemCode): Problem =>
  problemDocument(code, DETAILS[code], code === 'invalid-request' ? READABLE : undefined);

export function sendGatewayProblem(reply: FastifyReply, code: GatewayProblemCode): void {
  sendProblem(reply, gatewayProblem(code));
}

/** What would be 503 for an EventSource is a stream that ends, so that it comes back. */
export function sendProblem(reply: FastifyReply, body: Problem): void {
  if (putsOffStream(reply.request, body.status)) {
    void reply.code(200).headers(PUT_OFF_HEADERS).send(putOffStream(body));
    return;
  }
  if (body.status === 503) void reply.header('retry-after', '1');
  void reply.header('cache-control', 'no-store');
  void reply.code(body.status).header('content-type', 'application/problem+json; charset=utf-8');
  void reply.send(JSON.stringify(body));
}

function codeOf(error: unknown, request: FastifyRequest): GatewayProblemCode {
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  if (status === 404) {
    const path = (request.raw.url ?? '/').split('?', 1)[0]!;
    return ROUTE.test(path) ? 'method-not-allowed' : 'not-found';
  }
  return typeof status === 'number' && status >= 400 && status < 500 ? 'invalid-request' : 'internal-error';
}
