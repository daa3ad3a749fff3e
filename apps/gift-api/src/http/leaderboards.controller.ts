import { fieldError } from '@livegift/contracts';
import type { Telemetry } from '@livegift/kernel';
import { asksFor } from '@livegift/process';
import type { Board } from '@livegift/read-model';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BoardStreams } from '../queries/board-streams.js';
import { GetBoard, type BoardRequest } from '../queries/board.queries.js';
import { STREAM_LIMITS_TOKEN, TELEMETRY } from '../tokens.js';
import { toldIn } from './history-edge.js';
import { invalidRequest } from './problem.js';
import { readQuery } from './query-request.js';
import { BOARD_LIMIT_DEFAULT, BoardQueryString } from './query-strings.js';
import { EventStream, type StreamLimits } from './streams.js';
import { compileTextValidator } from './validation/compiled-validator.js';
import { Describe, PathId, type RouteDescription } from './openapi/describe.decorator.js';

const BOARD = compileTextValidator(BoardQueryString, 'query');

const BOARD_ROUTE = {
  tag: 'leaderboards',
  description:
    'With `Accept: text/event-stream` the board streams itself: now, on change, and when its period turns. A period ' +
    'that begins before the year 0000 or ends after 9999 is refused, since no time can name its bounds. What would be 429 ' +
    'or 503 is then 200 with `retry:` and the end of the stream, so that an EventSource comes back by itself.',
  query: BoardQueryString,
  answers: { 200: { one: 'Board', says: 'The board.', also: 'text/event-stream' } },
  problems: ['period-expired', 'read-model-rebuilding', 'read-model-behind'],
} as const satisfies Omit<RouteDescription, 'summary'>;

/** Boards, as JSON or, for whoever accepts `text/event-stream`, streaming themselves. */
@Controller('v1/leaderboards')
export class LeaderboardsController {
  constructor(
    private readonly queries: QueryBus,
    private readonly streams: BoardStreams,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
    @Inject(STREAM_LIMITS_TOKEN) private readonly limits: StreamLimits,
  ) {}

  @PathId('roomId', 'friday-night')
  @Describe({
    ...BOARD_ROUTE,
    summary: "A room's gifters, by coins",
    problems: [...BOARD_ROUTE.problems, 'room-not-found'],
  })
  @Get('rooms/:roomId/gifters')
  roomGifters(@Param('roomId') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer({ kind: 'room-gifters', id }, request, reply);
  }

  @PathId('creatorId', 'bela')
  @Describe({
    ...BOARD_ROUTE,
    summary: "A creator's gifters, by coins",
    problems: [...BOARD_ROUTE.problems, 'creator-not-found'],
  })
  @Get('creators/:creatorId/gifters')
  creatorGifters(
    @Param('creatorId') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.#answer({ kind: 'creator-gifters', id }, request, reply);
  }

  @Describe({
    ...BOARD_ROUTE,
    summary: 'All creators, by diamonds',
    problems: [...BOARD_ROUTE.problems],
  })
  @Get('creators')
  creators(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer({ kind: 'creators' }, request, reply);
  }

  @Describe({
    ...BOARD_ROUTE,
    summary: 'All gifters, by coins',
    problems: [...BOARD_ROUTE.problems],
  })
  @Get('gifters')
  gifters(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer({ kind: 'gifters' }, request, reply);
  }

  async #answer(board: Board, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const query = readQuery<BoardQueryString>(request, BOARD);
    if (query.from !== undefined && query.around !== undefined) {
      throw invalidRequest([fieldError('query.around', 'notTogetherWithFrom')]);
    }
    const wanted = requestOf(board, query);
    const first = await this.queries.execute(new GetBoard(wanted, query.after));
    void reply.header('vary', 'Origin, Accept');
    if (request.method === 'HEAD' || !asksFor('text/event-stream', request.headers)) {
      void reply.send(first);
      return;
    }
    let stream: EventStream | null = null;
    const opened = (): EventStream =>
      (stream ??= new EventStream(reply, { limits: this.limits, telemetry: this.telemetry }));
    const stop = this.streams.watch(wanted, first, {
      show: (shown) => opened().send('board', toldIn(request.server.historySpelling, shown)),
      end: () => opened().end(),
    });
    opened().onClose(stop);
  }
}

function requestOf(board: Board, query: BoardQueryString): BoardRequest {
  const { window = 'all', at, limit = BOARD_LIMIT_DEFAULT, from, around, member } = query;
  return { board, window, at, limit, from, around, member };
}
