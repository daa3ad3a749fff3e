import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Telemetry } from '@livegift/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ReadLog, type LogReading } from '../queries/log.queries.js';
import { TELEMETRY } from '../tokens.js';
import { NDJSON_CONTENT_TYPE } from './lines.js';
import { readQuery } from './query-request.js';
import { LOG_LIMIT_DEFAULT, LogQuery } from './query-strings.js';
import { beginStream, writable } from './streams.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe } from './openapi/describe.decorator.js';

const LOG = compileTextValidator(LogQuery, 'query');

/** The log itself, one event a line, as fast as the reader takes it. */
@Controller('v1')
export class LogController {
  readonly #open = new Set<FastifyReply>();

  constructor(
    private readonly queries: QueryBus,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
  ) {}

  @Describe({
    tag: 'history',
    summary: 'The log itself, oldest first',
    description:
      '`after` is excluded. With `follow=true` it goes on live, without end unless `limit` is given; `limit` is else 1,000.',
    query: LogQuery,
    answers: { 200: { lines: 'LogEvent', says: 'One event a line.' } },
    problems: ['read-model-behind'],
  })
  @Get('events')
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery<LogQuery>(request, LOG);
    const follow = query.follow === 'true';
    const limit = query.limit ?? (follow ? null : LOG_LIMIT_DEFAULT);
    const types = query.types?.split(',') ?? null;
    const reading = await this.queries.execute(new ReadLog({ after: query.after, limit, types, follow }));
    if (request.method === 'HEAD') {
      reading.close();
      void reply.header('content-type', NDJSON_CONTENT_TYPE).send('');
      return;
    }
    beginStream(reply, { 'content-type': NDJSON_CONTENT_TYPE, 'cache-control': 'no-store' });
    reply.raw.once('close', () => reading.close());
    await this.#write(request, reply, reading);
  }

  /** Ends every stream: the server is going. */
  beforeApplicationShutdown(): void {
    for (const reply of this.#open) reply.raw.end();
  }

  async #write(request: FastifyRequest, reply: FastifyReply, reading: LogReading): Promise<void> {
    this.#open.add(reply);
    try {
      for await (const events of reading.batches) {
        if (!(await writable(reply))) return;
        if (events.length > 0) reply.raw.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      }
      reply.raw.end();
    } catch (error) {
      // The answer has begun: breaking it off is the only way left to say that it is not whole.
      this.telemetry.warn('reading the log broke off', { correlationId: request.id, error });
      reply.raw.destroy();
    } finally {
      this.#open.delete(reply);
      reading.close();
    }
  }
}
