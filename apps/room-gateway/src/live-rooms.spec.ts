// Longer than others: the world around a gateway (fan-out, read model, server, clients) stands below its cases.
import { OriginPolicy } from '@livegift/process';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { GiftFrame, GiftMessage, Problem, RecoveredFrame, WelcomeFrame } from '@livegift/contracts';
import { sourcePartitionOf, type FanOut, type FanOutPublisher } from '@livegift/fanout';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { silentTelemetry, type Position } from '@livegift/kernel';
import type { ReadModel, RoomRow } from '@livegift/read-model';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
import {
  ROOM_GATEWAY_DEFAULTS,
  RoomGateway,
  RoomGatewayModule,
  type RoomGatewayConfig,
} from './room-gateway.module.js';

const STORE_ID = '5f0c8b7e-7a37-4f3e-9a52-8f5f0e6c9d11';
const at = (number: number): Position => String(number).padStart(16, '0') as Position;
const clock = { now: () => Date.now(), elapsedMs: () => performance.now() };
const scheduler = {
  after: (delayMs: number, task: () => void) => {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

describe('a room over WebSocket', () => {
  it('welcomes, then sends each gift as it comes', async () => {
    const client = await world.webSocket('room');
    expect(await client.next('welcome')).toEqual({
      type: 'welcome',
      roomId: 'room',
      creatorId: 'creator',
      title: 'A room',
      frameId: `${STORE_ID}:${at(0)}`,
      leaderboard: [],
      keepAliveMs: 15_000,
      streakWindowMs: 3_000,
    });
    await world.gifts('room', 1);
    expect(await client.next('gift')).toEqual({ ...gift('room', 1), frameId: `${STORE_ID}:${at(1)}` });
  });

  it('sends nothing old to a newcomer, and names the newest frame', async () => {
    await world.gifts('room', 3);
    const early = await world.webSocket('room');
    await early.next('welcome');
    await world.gifts('room', 1);
    await early.next('gift');
    const client = await world.webSocket('room');
    expect(await client.next<WelcomeFrame>('welcome')).toMatchObject({ frameId: `${STORE_ID}:${at(4)}` });
    await world.gifts('room', 1);
    expect(await client.next<GiftFrame>('gift')).toMatchObject({ position: at(5) });
  });

  it('gives a client that comes back exactly what it missed, from another gateway too', async () => {
    await world.gifts('room', 2);
    const other = await world.anotherGateway();
    for (const from of [world, other]) {
      const client = await from.webSocket('room', `from=${STORE_ID}:${at(1)}`);
      expect(await client.next<WelcomeFrame>('welcome')).toMatchObject({ frameId: `${STORE_ID}:${at(1)}` });
      expect(await client.next<RecoveredFrame>('recovered')).toEqual({ type: 'recovered', complete: true });
      expect(await client.next<GiftFrame>('gift')).toMatchObject({ position: at(2) });
      client.close();
    }
  });

  it.each([
    ['an epoch that it does not know', `someone-else:${at(1)}`],
    ['what never was a frame id', 'nonsense'],
    ['a frame that never was', `${STORE_ID}:${at(99)}`],
  ])('says plainly that it cannot resume from %s', async (_, from) => {
    await world.gifts('room', 2);
    const client = await world.webSocket('room', `from=${encodeURIComponent(from)}`);
    expect(await client.next<WelcomeFrame>('welcome')).toMatchObject({ frameId: `${STORE_ID}:${at(2)}` });
    expect(await client.next('recovered')).toEqual({ type: 'recovered', complete: false });
    await world.gifts('room', 1);
    expect(await client.next<GiftFrame>('gift')).toMatchObject({ position: at(3) });
  });

  it('loses and repeats nothing when gifts are published while clients come', async () => {
    await world.gifts('room', 5);
    const clients: Client[] = [];
    for (let round = 0; round < 10; round++) {
      const coming = world.webSocket('room', `from=${STORE_ID}:${at(5)}`);
      await world.gifts('room', 10);
      clients.push(await coming);
    }
    for (const client of clients) {
      const positions: string[] = [];
      while (positions.length < 100) positions.push((await client.next<GiftFrame>('gift')).position);
      expect(positions).toEqual(Array.from({ length: 100 }, (_, index) => at(index + 6)));
    }
  });

  it('closes with 4504 for a room that does not exist, and with 4510 for one that is closed', async () => {
    world.rooms.set('over', { ...roomRow('over'), state: 'closed' });
    expect(await (await world.webSocket('nowhere')).closed).toBe(4504);
    expect(await (await world.webSocket('no%20id')).closed).toBe(4504);
    expect(await (await world.webSocket('over')).closed).toBe(4510);
  });

  it('waits a moment for a room that the read model is about to hear of', async () => {
    setTimeout(() => world.rooms.set('young', roomRow('young')), 100);
    const client = await world.webSocket('young');
    expect(await client.next<WelcomeFrame>('welcome')).toMatchObject({ roomId: 'young' });
  });

  it('tells of the closing of a room, closes with 4510, and lets nobody in any more', async () => {
    const client = await world.webSocket('room');
    await client.next('welcome');
    await world.closeRoom('room');
    await client.next('room-closed');
    expect(await client.closed).toBe(4510);
    expect(await (await world.webSocket('room')).closed).toBe(4510);
  });

  it('refuses an upgrade that it does not know, or with a malformed position', async () => {
    expect(await upgradeProblem(`${world.url}/v1/rooms/room/elsewhere`)).toMatchObject({
      status: 404,
      code: 'not-found',
    });
    expect(await upgradeProblem(`${world.url}/v1/rooms/room/live?after=nonsense`)).toMatchObject({
      status: 400,
      code: 'invalid-request',
      errors: [{ path: 'query.after', rule: 'isPosition' }],
    });
  });

  it.each([
    ['?frm=x', 'query.frm', 'unknownParameter'],
    ['?from=a&from=b', 'query.from', 'exactlyOne'],
  ])('refuses %s, and server-sent events alike', async (query, path, rule) => {
    const refusal = { status: 400, code: 'invalid-request', errors: [{ path, rule }] };
    expect(await upgradeProblem(`${world.url}/v1/rooms/room/live${query}`)).toMatchObject(refusal);
    const answer = await fetch(`${world.url}/v1/rooms/room/events${query}`);
    expect(await answer.json()).toMatchObject(refusal);
  });

  it('says what it takes to who comes without one', async () => {
    const answer = await fetch(`${world.url}/v1/rooms/room/live`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await answer.json()).toMatchObject({ status: 426, code: 'upgrade-required' });
  });

  it.each(['GET', 'POST'])('leaves %s to the server where it offers to go on in HTTP/2', async (method) => {
    const body = 'x'.repeat(100_000);
    const said = await saidTo(world.url, [
      `${method} /v1/rooms/nowhere/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`,
      `Connection: Upgrade, HTTP2-Settings\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      'GET /v1/rooms/no%20id/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    ]);
    const first = method === 'GET' ? '404' : '4..';
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${first} .*HTTP/1.1 400 .*path\\.roomId`, 's'));
  });

  it('sends the leaderboard when a gift changed it', async () => {
    const client = await world.webSocket('room');
    await client.next('welcome');
    await world.gifts('room', 1);
    world.board = [{ rank: 1, id: 'viewer', name: null, score: 1, reachedAtMs: 0 }];
    expect(await client.next('leaderboard')).toEqual({
      type: 'leaderboard',
      entries: [{ rank: 1, id: 'viewer', name: null, score: 1, reachedAt: '1970-01-01T00:00:00Z' }],
    });
  });

  it('ignores what clients say, and closes on one that says too much at once', async () => {
    const client = await world.webSocket('room');
    await client.next('welcome');
    client.send('hello');
    await world.gifts('room', 1);
    await client.next('gift');
    client.send('x'.repeat(100_000));
    expect(await client.closed).toBe(1009);
  });

  it('cuts off a client that does not read, and keeps the others', async () => {
    const reader = await world.webSocket('room');
    await reader.next('welcome');
    await sleepingClient(world.url, 'room');
    while (world.state().connections < 2) await turn();
    for (let round = 0; world.state().connections === 2; round++) {
      if (round > 2_000) throw new Error('never cut off');
      await world.gifts('room', 20);
      await turn();
    }
    await world.gifts('room', 1);
    while ((await reader.next<GiftFrame>('gift')).position < at(world.published));
  });

  it('sends everybody away with 4001 when the server goes', async () => {
    const client = await world.webSocket('room');
    await client.next('welcome');
    await world.close();
    expect(await client.closed).toBe(4001);
  });

  it('has a bounded number of places', async () => {
    const small = await World.open(world.fanOut, { connectionsMax: 1 });
    small.rooms.set('room', roomRow('room'));
    const client = await small.webSocket('room');
    await client.next('welcome');
    expect(await (await small.webSocket('room')).closed).toBe(4013);
  });
});

describe('a room over SSE', () => {
  it('carries the same frames as a WebSocket, with the frame type as event and the frame id as id', async () => {
    const socket = await world.webSocket('room');
    const source = world.eventSource('room');
    expect(await source.next('welcome')).toEqual(await socket.next('welcome'));
    await world.gifts('room', 3);
    for (let index = 1; index <= 3; index++) {
      const frame = await source.next<GiftFrame>('gift');
      expect(frame).toEqual(await socket.next('gift'));
      expect(frame).toMatchObject({ position: at(index) });
    }
    expect(source.lastEventId()).toBe(`${STORE_ID}:${at(3)}`);
  });

  it('begins with retry, and its headers keep caches and proxies out', async () => {
    const answer = await fetch(`${world.url}/v1/rooms/room/events`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    expect(answer.headers.get('x-of-a-hook')).toBe('yes');
    const reader = answer.body!.getReader();
    const text = new TextDecoder().decode((await reader.read()).value);
    expect(text).toMatch(/^retry: 1000\n\n/);
    await reader.cancel();
  });

  it('resumes from Last-Event-ID, which counts more than from', async () => {
    await world.gifts('room', 3);
    const headers = { 'last-event-id': `${STORE_ID}:${at(2)}` };
    const answer = await fetch(`${world.url}/v1/rooms/room/events?from=${STORE_ID}:${at(1)}`, { headers });
    const reader = answer.body!.getReader();
    let text = '';
    while (!text.includes('event: gift')) text += new TextDecoder().decode((await reader.read()).value);
    expect(text).toContain(`event: recovered\ndata: {"type":"recovered","complete":true}\n\n`);
    expect(text.match(/^id: .*$/gm)).toEqual([`id: ${STORE_ID}:${at(2)}`, `id: ${STORE_ID}:${at(3)}`]);
    await reader.cancel();
  });

  it('answers 404 for an unknown room, 400 for what is no room id, 204 for a closed room', async () => {
    world.rooms.set('over', { ...roomRow('over'), state: 'closed' });
    const unknown = await fetch(`${world.url}/v1/rooms/nowhere/events`);
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await unknown.json()).toMatchObject({ type: 'urn:livegift:problem:room-not-found', code: 'room-not-found' });
    expect((await fetch(`${world.url}/v1/rooms/no%20id/events`)).status).toBe(400);
    expect((await fetch(`${world.url}/v1/rooms/room/events?after=x`)).status).toBe(400);
    expect((await fetch(`${world.url}/v1/rooms/over/events`)).status).toBe(204);
  });

  it('ends the response when the room closes or the server goes', async () => {
    const endings = { other: () => world.closeRoom('other'), room: () => world.close() };
    for (const [room, end] of Object.entries(endings)) {
      const answer = await fetch(`${world.url}/v1/rooms/${room}/events`);
      const reader = answer.body!.getReader();
      await reader.read();
      await end();
      while (!(await reader.read()).done);
    }
  });

  it('answers HEAD without a stream', async () => {
    const answer = await fetch(`${world.url}/v1/rooms/room/events`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(world.state().connections).toBe(0);
  });
});

describe('a gateway', () => {
  it('asks the read model about a room that was quiet since before its window', async () => {
    const fanOut = newFanOut();
    const late = await World.open(fanOut, {});
    late.rooms.set('room', { ...roomRow('room'), lastGiftPosition: at(3) });
    late.published = 10;
    await late.begin();
    for (const [from, complete] of [
      [3, true],
      [7, true],
      [2, false],
    ] as const) {
      const client = await late.webSocket('room', `from=${STORE_ID}:${at(from)}`);
      expect(await client.next<RecoveredFrame>('recovered')).toEqual({ type: 'recovered', complete });
    }
  });

  it('that lags behind the one that a client comes from sends it back, and has all for it once it is there', async () => {
    await world.gifts('room', 2);
    world.rooms.set('room', { ...roomRow('room'), lastGiftPosition: at(4) });
    const from = `${STORE_ID}:${at(3)}`;
    expect(await (await world.webSocket('room', `from=${from}`)).closed).toBe(1012);
    const refused = await fetch(`${world.url}/v1/rooms/room/events`, { headers: { 'last-event-id': from } });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    await world.gifts('room', 2);
    const client = await world.webSocket('room', `from=${from}`);
    expect(await client.next<RecoveredFrame>('recovered')).toMatchObject({ complete: true });
    expect(await client.next<GiftFrame>('gift')).toMatchObject({ position: at(4) });
  });

  it('lets nobody in before its feed has caught up', async () => {
    let begin = (): void => {};
    const startsAfter = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const starting = await World.open(world.fanOut, {}, startsAfter);
    starting.rooms.set('room', roomRow('room'));
    await world.gifts('room', 2);
    const client = await starting.webSocket('room', `from=${STORE_ID}:${at(1)}`);
    expect(starting.state()).toMatchObject({ ready: false, connections: 0 });
    begin();
    expect(await client.next<RecoveredFrame>('recovered')).toMatchObject({ complete: true });
    expect(await client.next<GiftFrame>('gift')).toMatchObject({ position: at(2) });
  });
});

/** Everything that the case has opened; left open after a failure, it would keep the process from ending. */
const opened: { close(): void | Promise<void> }[] = [];
let world: World;
beforeEach(async () => {
  world = await World.open(newFanOut(), {});
  world.rooms.set('room', roomRow('room'));
  world.rooms.set('other', roomRow('other'));
  await world.begin();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (one) => one.close()));
});

function newFanOut(): FanOut {
  return createMemoryFanOut({ clock, retainMs: 600_000, retainMessagesMax: 200_000, sourcePartitionCount: 2 });
}

async function turn(): Promise<void> {
  if (opened.length === 0) throw new Error('the case is over');
  await new Promise((resolve) => setImmediate(resolve));
}

function roomRow(roomId: string): RoomRow {
  const zeros = { giftCount: 0, coins: 0, diamonds: 0 };
  const openedAt = '2026-01-01T00:00:00.000Z';
  return {
    roomId,
    creatorId: 'creator',
    title: 'A room',
    state: 'open',
    openedAt,
    closedAt: null,
    imported: false,
    lastGiftPosition: null,
    ...zeros,
  };
}

function gift(roomId: string, number: number): GiftMessage {
  return {
    type: 'gift',
    giftId: `viewer.${number}`,
    position: at(number),
    roomId,
    creatorId: 'creator',
    viewerId: 'viewer',
    sender: { name: 'Vera', avatarUrl: null },
    gift: 'rose',
    giftInfo: { title: 'Rose', priceCoins: 1, icon: '🌹' },
    quantity: 1,
    coins: 1,
    diamonds: 50,
    message: 'x'.repeat(200),
    streak: null,
    occurredAt: '2026-01-01T00:00:00.000Z',
  };
}

/** One gateway behind a server, with a fan-out that several may share. */
class World {
  readonly rooms = new Map<string, RoomRow>();
  board: readonly { rank: number; id: string; name: null; score: number; reachedAtMs: number }[] = [];
  published = 0;
  #publishers: FanOutPublisher[] = [];

  private constructor(
    readonly fanOut: FanOut,
    readonly app: NestFastifyApplication,
    readonly url: string,
  ) {}

  static async open(fanOut: FanOut, config: Partial<RoomGatewayConfig>, startsAfter?: Promise<void>): Promise<World> {
    const holder: { world?: World } = {};
    const readModel = fakeReadModel(() => holder.world!);
    const module = RoomGatewayModule.register({
      origins: OriginPolicy.ofThisMachine(),
      fanOut,
      readModel,
      storeId: STORE_ID,
      startsAfter,
      clock,
      scheduler,
      telemetry: silentTelemetry,
      config: { ...ROOM_GATEWAY_DEFAULTS, aheadWaitMs: 50, slowClientBytesMax: 256 * 1024, closeMsMax: 100, ...config },
    });
    // A connection that a client opened ahead and never used is no idle one to Node: without force it is waited for.
    const adapter = new FastifyAdapter({ forceCloseConnections: true });
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false });
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRequest', async (_, reply) => {
        reply.header('x-of-a-hook', 'yes');
      });
    await app.listen(0, '127.0.0.1');
    holder.world = new World(fanOut, app, await app.getUrl());
    opened.push(holder.world);
    return holder.world;
  }

  async anotherGateway(): Promise<World> {
    const other = await World.open(this.fanOut, {});
    for (const [roomId, row] of this.rooms) other.rooms.set(roomId, row);
    return other;
  }

  state(): ReturnType<RoomGateway['state']> {
    return this.app.get(RoomGateway).state();
  }

  /** Says that every source partition begins at what was published so far. */
  async begin(): Promise<void> {
    for (let partition = 0; partition < this.fanOut.sourcePartitionCount; partition++) {
      const publisher = await this.fanOut.openPublisher(partition);
      await publisher.publish([], { storeId: STORE_ID, position: at(this.published) });
      this.#publishers.push(publisher);
    }
  }

  async gifts(roomId: string, count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const body = gift(roomId, ++this.published);
      const { giftId: id, position, occurredAt } = body;
      return {
        type: 'gift-sent' as const,
        id,
        roomId,
        storeId: STORE_ID,
        position: position as Position,
        occurredAt,
        body: JSON.stringify(body),
      };
    });
    await this.#publisherOf(roomId).publish(messages, { storeId: STORE_ID, position: at(this.published) });
  }

  async closeRoom(roomId: string): Promise<void> {
    const position = at(++this.published);
    const body = JSON.stringify({ roomId, creatorId: 'creator', title: 'A room' });
    const occurredAt = new Date().toISOString();
    const message = {
      type: 'room-closed' as const,
      id: position,
      roomId,
      storeId: STORE_ID,
      position,
      occurredAt,
      body,
    };
    await this.#publisherOf(roomId).publish([message], { storeId: STORE_ID, position });
  }

  async webSocket(roomId: string, query = ''): Promise<Client> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/v1/rooms/${roomId}/live?${query}`);
    const client = new Client(() => socket.close());
    client.closed = new Promise((resolve) => socket.on('close', resolve));
    client.send = (text) => socket.send(text);
    socket.on('message', (data: Buffer) => client.take(JSON.parse(data.toString()) as Frame));
    await new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    return client;
  }

  eventSource(roomId: string): Client {
    const source = new EventSource(`${this.url}/v1/rooms/${roomId}/events`);
    const client = new Client(() => source.close());
    let lastEventId = '';
    client.lastEventId = () => lastEventId;
    for (const type of ['welcome', 'gift', 'leaderboard']) {
      source.addEventListener(type, (event) => {
        ({ lastEventId } = event);
        client.take(JSON.parse(event.data) as Frame);
      });
    }
    return client;
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  #publisherOf(roomId: string): FanOutPublisher {
    const publisher = this.#publishers[sourcePartitionOf(roomId, this.fanOut.sourcePartitionCount)];
    if (publisher === undefined) throw new Error('begin() comes first');
    return publisher;
  }
}

type Frame = { readonly type: string };

/** What one client has been sent, to be taken in order. */
class Client {
  closed: Promise<number> = Promise.resolve(0);
  send: (text: string) => void = () => {};
  lastEventId: () => string = () => '';
  readonly #frames: Frame[] = [];
  #arrived = (): void => {};

  constructor(readonly close: () => void) {
    opened.push(this);
  }

  take(frame: Frame): void {
    this.#frames.push(frame);
    this.#arrived();
  }

  /** The next frame of that type; those before it are left out. */
  async next<Wanted>(type: string): Promise<Wanted> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame?.type === type) return frame as Wanted;
      if (frame !== undefined) continue;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}

function fakeReadModel(world: () => World): ReadModel {
  const position = () => at(world().published);
  const fake: Pick<ReadModel, 'room' | 'board' | 'waitFor'> = {
    room: async (roomId) => {
      const row = world().rooms.get(roomId);
      return row === undefined ? null : { row, position: position() };
    },
    board: async () => {
      const { board } = world();
      return {
        startsAtMs: null,
        endsAtMs: null,
        entries: board,
        member: null,
        total: board.length,
        position: position(),
      };
    },
    waitFor: async () => true,
  };
  return fake as ReadModel;
}

/** The problem document that an upgrade is refused with. */
async function upgradeProblem(url: string): Promise<Problem> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (answer) => {
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      let text = '';
      answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
      answer.on('end', () => {
        const problem = JSON.parse(text) as Problem;
        expect(answer.statusCode).toBe(problem.status);
        resolve(problem);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** What comes back over one connection, byte for byte, until it is closed. */
function saidTo(url: string, parts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(parts.join('')));
    let said = '';
    socket.on('data', (bytes) => (said += bytes.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}

/** A WebSocket that never reads. */
async function sleepingClient(url: string, roomId: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  opened.push({ close: () => void socket.destroy() });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.pause();
  socket.write(
    `GET /v1/rooms/${roomId}/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
}
