import { PROBLEMS } from '@livegift/contracts';
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Telemetry } from '@livegift/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from './problem-of.js';
import { ProblemError, problemBody, sendProblem } from './problem.js';
import type { RouteTable } from './route-table.js';

/** The one way out for everything thrown: a problem, never a stack. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly telemetry: Telemetry,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      this.telemetry.warn('a stream broke off', { correlationId: request.id, error });
      reply.raw.destroy();
      return;
    }
    // The client has gone, so this is not a failure of the server, however it is worded (`ERR_STREAM_PREMATURE_CLOSE`). It is sent
    // all the same: hooks give back what the request holds.
    const hasGone = request.raw.socket.destroyed;
    if (hasGone) this.telemetry.info('a client has gone before its answer', { correlationId: request.id });
    const found = problemOf(error);
    const problem = (isMissing(found) ? wrongMethod(this.routes, request, reply) : null) ?? found;
    if (problem.code === 'internal-error' && !hasGone) {
      this.telemetry.error('unexpected failure', { correlationId: request.id, error });
    }
    sendProblem(reply, problemBody(problem.code, problem.message, problem.errors, problem.extra));
  }
}

const isMissing = ({ code }: ProblemError): boolean => PROBLEMS[code].status === 404;

/** An address that is there, but not for this method: what it takes goes into `Allow`. Null: it is not there, or takes it. */
export function wrongMethod(routes: RouteTable, request: FastifyRequest, reply: FastifyReply): ProblemError | null {
  const path = (request.raw.url ?? '/').split('?', 1)[0] as string;
  const methods = routes.methodsOf(path);
  if (methods.length === 0 || methods.includes(request.method)) return null;
  void reply.header('allow', methods.join(', '));
  return new ProblemError('method-not-allowed', `this address takes ${methods.join(', ')}`);
}
