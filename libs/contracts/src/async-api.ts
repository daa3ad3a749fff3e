import { closesInWords } from './closes.js';

/** The live rooms as an AsyncAPI 3.0 document: what a client may rely on over WebSocket and SSE. */

type Schema = Readonly<Record<string, unknown>>;

const integer = (description: string): Schema => ({ type: 'integer', description });
const text = (description: string): Schema => ({ type: 'string', description });
const orNull = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });
const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const frame = (type: string, properties: Readonly<Record<string, Schema>> = {}): Schema =>
  object({ type: { const: type }, ...properties });
const schemaRef = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

const id = { type: 'string', pattern: String.raw`^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$` };
const frameId = text('Opaque, `<epoch>:<offset>`. Only gift frames move it; gaps are normal. Resume with it.');
const streak = object({
  id: text('The giftId of its first gift.'),
  count: integer('Units so far, with this gift.'),
});

const SCHEMAS: Readonly<Record<string, Schema>> = {
  BoardEntry: object({
    rank: integer('1, 2, 3, … without gaps.'),
    id,
    name: orNull(text("The sender's last name, when known.")),
    score: integer('Coins.'),
    reachedAt: { type: 'string', format: 'date-time' },
  }),
  Welcome: frame('welcome', {
    roomId: id,
    creatorId: id,
    title: orNull({ type: 'string' }),
    frameId,
    leaderboard: { type: 'array', items: schemaRef('BoardEntry'), maxItems: 10 },
    keepAliveMs: integer('After so much silence a keep-alive comes.'),
    streakWindowMs: integer('End a streak yourself when its gift has not come for so long.'),
  }),
  Gift: frame('gift', {
    frameId,
    giftId: text('Drop a repeated one.'),
    position: text("Of the gift in the log; the API's `after=` takes it."),
    roomId: id,
    creatorId: id,
    viewerId: id,
    sender: orNull(object({ name: { type: 'string' }, avatarUrl: orNull({ type: 'string', format: 'uri' }) })),
    gift: id,
    giftInfo: object({ title: { type: 'string' }, priceCoins: integer('Of one unit.'), icon: text('One emoji.') }),
    quantity: integer('Units.'),
    coins: integer('What this gift cost. Add up coins over gift frames, never over streaks.'),
    diamonds: integer('What the creator earned by it.'),
    message: orNull({ type: 'string', maxLength: 200 }),
    streak: orNull(streak),
    occurredAt: { type: 'string', format: 'date-time' },
  }),
  StreakEnded: frame('streak-ended', {
    streak: object({ id: { type: 'string' }, count: integer('Units.'), coins: integer('Of all its gifts.') }),
    viewerId: id,
    gift: id,
  }),
  Leaderboard: frame('leaderboard', { entries: { type: 'array', items: schemaRef('BoardEntry'), maxItems: 10 } }),
  Recovered: frame('recovered', {
    complete: {
      type: 'boolean',
      description:
        'True: exactly the missed gift frames follow. False (unknown epoch, or too long ago): none follow; read the room ' +
        'again and go on from `welcome`.',
    },
  }),
  RoomClosed: frame('room-closed'),
  KeepAlive: frame('keep-alive'),
};

/** `StreakEnded` to `streak-ended`. */
const messageName = (schema: string): string =>
  schema.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

const MESSAGES = Object.keys(SCHEMAS).filter((name) => name !== 'BoardEntry');

const channelMessages = Object.fromEntries(
  MESSAGES.map((name) => [messageName(name), { $ref: `#/components/messages/${messageName(name)}` }]),
);

const fromQuery = { type: 'string', description: 'A frame id to resume from.' };
const afterQuery = {
  type: 'string',
  pattern: '^\\d{16,40}$',
  description: 'A position that an accepted command answered: wait until the room is known with it.',
};

const parameters = { roomId: { description: 'The room.' } };

/** Served at `/v1/asyncapi.json`. */
export const ASYNC_API: Schema = {
  asyncapi: '3.0.0',
  info: {
    title: 'livegift rooms',
    version: '1',
    description:
      'A live room as a stream of JSON frames: the same ones, one a message, over WebSocket and over server-sent events. ' +
      'Clients ignore frame types and fields that they do not know. A frame is sent at most once per connection and in ' +
      'order. Nothing is expected from clients; what they send is ignored, within bounds.',
    license: { name: 'Apache-2.0' },
  },
  defaultContentType: 'application/json',
  channels: {
    live: {
      address: '/v1/rooms/{roomId}/live',
      title: 'A room over WebSocket',
      description: closesInWords(),
      parameters,
      messages: channelMessages,
      bindings: { ws: { method: 'GET', query: object({ from: fromQuery, after: afterQuery }, ['from', 'after']) } },
    },
    events: {
      address: '/v1/rooms/{roomId}/events',
      title: 'A room over server-sent events',
      description:
        "The event's name is the frame's type, its id the frame's frameId; `retry:` is sent first. `Last-Event-ID` counts " +
        'more than `from`. An unknown room is 404, a closed one 204 (an EventSource then stops), 503 means come back.',
      parameters,
      messages: channelMessages,
      bindings: { http: { query: object({ from: fromQuery, after: afterQuery }, ['from', 'after']) } },
    },
  },
  operations: {
    watchLive: { action: 'send', channel: { $ref: '#/channels/live' } },
    watchEvents: { action: 'send', channel: { $ref: '#/channels/events' }, bindings: { http: { method: 'GET' } } },
  },
  components: {
    schemas: SCHEMAS,
    messages: Object.fromEntries(
      MESSAGES.map((name) => [messageName(name), { name: messageName(name), payload: schemaRef(name) }]),
    ),
  },
};
