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
    const problem = this.#wrongMethod(problemOf(error), request, reply);
    if (problem.code === 'internal-error') {
      this.telemetry.error('unexpected failure', { correlationId: request.id, error });
    }
    sendProblem(reply, problemBody(problem.code, problem.message, problem.errors, problem.extra));
  }

  #wrongMethod(problem: ProblemError, request: FastifyRequest, reply: FastifyReply): ProblemError {
    if (problem.code !== 'not-found') return problem;
    const path = (request.raw.url ?? '/').split('?', 1)[0] as string;
    const methods = this.routes.methodsOf(path);
    if (methods.length === 0 || methods.includes(request.method)) return problem;
    void reply.header('allow', methods.join(', '));
    return new ProblemError('method-not-allowed', `this address takes ${methods.join(', ')}`);
  }
}
