import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { LogEvent } from '@livegift/contracts';
import type { HistorySpelling, Telemetry } from '@livegift/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ReadLog, type LogReading } from '../queries/log.queries.js';
import { STREAM_LIMITS_TOKEN, TELEMETRY } from '../tokens.js';
import { toldIn } from './history-edge.js';
import { NDJSON_CONTENT_TYPE } from './lines.js';
import { readQuery } from './query-request.js';
import { LOG_LIMIT_DEFAULT, LogQuery } from './query-strings.js';
import { StreamWriter, type StreamLimits } from './streams.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe } from './openapi/describe.decorator.js';

/** A reader is too slow when it does not take one piece in time, so a piece is small beside what a slow line carries. */
const PIECE_BYTES = 262_144;
/** An empty line, which readers of NDJSON pass over. */
const KEEP_ALIVE = '\n';

const LOG = compileTextValidator(LogQuery, 'query');

/** The log itself, one event a line, as fast as the reader takes it. */
@Controller('v1')
export class LogController {
  readonly #open = new Set<StreamWriter>();

  constructor(
    private readonly queries: QueryBus,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
    @Inject(STREAM_LIMITS_TOKEN) private readonly limits: StreamLimits,
  ) {}

  @Describe({
    tag: 'history',
    summary: 'The log itself, oldest first',
    description:
      '`after` is excluded. With `follow=true` it goes on live, without end unless `limit` is given; `limit` is else 1,000. ' +
      'While there is nothing new, a followed log sends an empty line every 15 s: skip empty lines. A reader that takes ' +
      'nothing for 30 s is disconnected; continue with `after` set to the last position that you have.',
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
    const writer = new StreamWriter(reply, {
      headers: { 'content-type': NDJSON_CONTENT_TYPE, 'cache-control': 'no-store' },
      keepAlive: follow ? KEEP_ALIVE : null,
      limits: this.limits,
      telemetry: this.telemetry,
    });
    writer.onClose(() => reading.close());
    await this.#write(request, writer, reading);
  }

  /** Ends every stream: the server is shutting down. */
  beforeApplicationShutdown(): void {
    for (const writer of this.#open) writer.end();
  }

  async #write(request: FastifyRequest, writer: StreamWriter, reading: LogReading): Promise<void> {
    this.#open.add(writer);
    try {
      for await (const events of reading.batches) {
        for (const piece of piecesOf(events, request.server.historySpelling)) {
          if (!writer.write(piece) || !(await writer.taken())) return;
        }
      }
      writer.end();
    } catch (error) {
      this.telemetry.warn('reading the log broke off', { correlationId: request.id, error });
      writer.breakOff();
    } finally {
      this.#open.delete(writer);
      reading.close();
    }
  }
}

function* piecesOf(events: readonly LogEvent[], spelling: HistorySpelling): Generator<string> {
  let piece = '';
  for (const event of events) {
    piece += `${JSON.stringify(toldIn(spelling, event))}\n`;
    if (piece.length < PIECE_BYTES) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
