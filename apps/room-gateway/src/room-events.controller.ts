import { fieldError, problemDocument, type FieldError } from '@livegift/contracts';
import { unknownParameter } from './live-parameters.js';
import { isId, type Scheduler, type Telemetry } from '@livegift/kernel';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendGatewayProblem, sendProblem, type GatewayProblemCode } from './gateway-problem.filter.js';
import { RoomGateway, type EntryRefusal } from './room-gateway.js';
import { SseClient } from './sse-client.js';

export const GATEWAY_OUTSIDE = Symbol('scheduler and telemetry of the room gateway');

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  // A stream ends with its connection, so that a server that is going waits for no idle one.
  connection: 'close',
};

const REFUSALS: Record<Exclude<EntryRefusal, 'room-closed'>, GatewayProblemCode> = {
  'room-not-found': 'room-not-found',
  'read-model-behind': 'read-model-behind',
  'read-model-rebuilding': 'read-model-rebuilding',
  unavailable: 'unavailable',
  overloaded: 'overloaded',
  'going-away': 'unavailable',
};

type EventsRequest = FastifyRequest<{
  Params: { roomId: string };
  Querystring: { from?: string | string[]; after?: string | string[] };
}>;

/** `GET /v1/rooms/{roomId}/events`: a room's frames as server-sent events; `…/live` for who comes there without a WebSocket. */
@Controller('v1/rooms')
export class RoomEventsController {
  constructor(
    @Inject(RoomGateway) private readonly gateway: RoomGateway,
    @Inject(GATEWAY_OUTSIDE) private readonly outside: { readonly scheduler: Scheduler; readonly telemetry: Telemetry },
  ) {}

  @Get(':roomId/events')
  async events(@Req() request: EventsRequest, @Res() reply: FastifyReply): Promise<void> {
    const { roomId } = request.params;
    if (!isId(roomId)) return invalid(reply, fieldError('path.roomId', 'isId'));
    const unknown = unknownParameter(request.query);
    if (unknown !== null) return invalid(reply, unknown);
    const told = first(request.query.after);
    const after = told === null ? null : this.gateway.spelling.readPosition(told);
    if (after === 'malformed') return invalid(reply, fieldError('query.after', 'isPosition'));
    if (after === 'other-history') return sendGatewayProblem(reply, 'history-changed');
    const from = first(request.headers['last-event-id']) || first(request.query.from) || null;
    const entry = await this.gateway.enter({ roomId, from, after });
    if ('refused' in entry) return refuse(reply, entry.refused);
    if (request.method === 'HEAD' || request.raw.socket.destroyed) {
      entry.release();
      await reply.headers(STREAM_HEADERS).send();
      return;
    }
    const client = new SseClient(request.raw, reply.raw, () => this.#begin(reply), {
      gateway: this.gateway,
      ...this.outside,
    });
    const joined = entry.join(client);
    if (joined !== 'joined') refuse(reply, joined === 'full' ? 'overloaded' : 'room-closed');
  }

  /** WebSockets never come here: who does has lost the Upgrade on the way, or never asked for one. */
  @Get(':roomId/live')
  live(@Res() reply: FastifyReply): void {
    void reply.header('upgrade', 'websocket').header('connection', 'Upgrade');
    sendGatewayProblem(reply, 'upgrade-required');
  }

  /** Called by the first write: until then the answer can still be another one. */
  #begin(reply: FastifyReply): void {
    reply.hijack();
    // What hooks have set (CORS) belongs on this answer too.
    const headers = { ...reply.getHeaders(), ...STREAM_HEADERS };
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.write(`retry: ${this.gateway.config.sseRetryMs}\n\n`);
  }
}

const first = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null;

function refuse(reply: FastifyReply, refused: EntryRefusal): void {
  if (refused === 'room-closed') return void reply.code(204).send();
  sendGatewayProblem(reply, REFUSALS[refused]);
}

function invalid(reply: FastifyReply, error: FieldError): void {
  sendProblem(reply, problemDocument('invalid-request', error.message, [error]));
}
