import type { Problem } from '@livegift/contracts';
import type { Telemetry } from '@livegift/kernel';
import { PUT_OFF_HEADERS, putOffStream, putsOffStream } from '@livegift/process';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The same codes as the API's. */
const PROBLEMS = {
  'invalid-request': {
    status: 400,
    title: 'The request is not valid',
    detail: 'the request cannot be read',
    errors: [{ path: 'request', rule: 'readable' }],
  },
  'not-found': { status: 404, title: 'No such route', detail: 'there is no such route' },
  'method-not-allowed': { status: 405, title: 'Not with this method', detail: 'this address takes GET, HEAD' },
  'request-timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    detail: 'the request took too long to arrive',
  },
  'history-changed': {
    status: 410,
    title: 'A backup was restored',
    detail: 'after is from before a backup of the event store was restored; read again from the beginning',
  },
  'expectation-failed': {
    status: 417,
    title: 'The expectation cannot be met',
    detail: 'the only expectation that this server meets is 100-continue',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    detail: 'the headers are larger than 16 KiB',
  },
  'upgrade-required': {
    status: 426,
    title: 'Only as a WebSocket',
    detail: 'this address takes WebSockets; if you opened one, a proxy on the way has taken its Upgrade header',
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong here',
    detail: 'an unexpected failure; it has been logged',
  },
  unavailable: { status: 503, title: 'Not available', detail: 'the server is going; try again' },
} as const;
type ProblemCode = keyof typeof PROBLEMS;

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

export const gatewayProblem = (code: ProblemCode): Problem => ({
  type: `urn:livegift:problem:${code}`,
  code,
  ...PROBLEMS[code],
});

export function sendGatewayProblem(reply: FastifyReply, code: ProblemCode): void {
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

function codeOf(error: unknown, request: FastifyRequest): ProblemCode {
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  if (status === 404) {
    const path = (request.raw.url ?? '/').split('?', 1)[0]!;
    return ROUTE.test(path) ? 'method-not-allowed' : 'not-found';
  }
  return typeof status === 'number' && status >= 400 && status < 500 ? 'invalid-request' : 'internal-error';
}
