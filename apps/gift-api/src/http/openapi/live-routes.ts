import { ID_PATTERN } from '@livegift/kernel';
import { closesInWords, problemDocument, PROBLEMS, type ProblemCode } from '@livegift/contracts';
import { refTo } from './answer-schemas.js';
import type { JsonSchema } from './body-schema.js';

const roomId = {
  name: 'roomId',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: ID_PATTERN.source, examples: ['friday-night'] },
};
const from = {
  name: 'from',
  in: 'query',
  required: false,
  description: 'The last frameId that you have: what you missed follows, if it can.',
  schema: { type: 'string' },
};
const after = {
  name: 'after',
  in: 'query',
  required: false,
  description: 'A position to wait for first.',
  schema: { type: 'string' },
};
const lastEventId = { ...from, name: 'Last-Event-ID', in: 'header' };

const problem = (...codes: ProblemCode[]): JsonSchema => ({
  description: codes.map((code) => `\`${code}\``).join(', '),
  content: {
    'application/problem+json': {
      schema: refTo('Problem'),
      examples: Object.fromEntries(codes.map((code) => [code, { value: problemDocument(code, PROBLEMS[code].title) }])),
    },
  },
});

/**
 * The two live routes: their frames are in the AsyncAPI document. A deployment has them behind the same address, whichever
 * process answers.
 */
export const LIVE_ROUTES: Readonly<Record<string, JsonSchema>> = {
  '/v1/rooms/{roomId}/events': {
    get: {
      tags: ['rooms'],
      summary: 'A room, live, as server-sent events',
      description: "The event is the frame's `type`, its id the `frameId`. The frames are in `/v1/asyncapi.json`.",
      operationId: 'roomEvents',
      parameters: [roomId, from, after, lastEventId],
      responses: {
        200: {
          description: 'Frames, as they come.',
          content: {
            'text/event-stream': {
              schema: { type: 'string' },
              example: 'event: keep-alive\ndata: {"type":"keep-alive"}\n\n',
            },
          },
        },
        204: { description: 'The room is closed: do not come back.' },
        400: problem('invalid-request'),
        404: problem('room-not-found'),
        410: problem('history-changed'),
        503: problem('overloaded', 'unavailable', 'read-model-rebuilding'),
        504: problem('read-model-behind'),
      },
    },
  },
  '/v1/rooms/{roomId}/live': {
    get: {
      tags: ['rooms'],
      summary: 'A room, live, over a WebSocket',
      description: `The same frames, one a message. ${closesInWords()}`,
      operationId: 'roomLive',
      parameters: [roomId, from, after],
      responses: {
        101: { description: 'The WebSocket.' },
        400: problem('invalid-request'),
        410: problem('history-changed'),
        426: problem('upgrade-required'),
      },
    },
  },
};
